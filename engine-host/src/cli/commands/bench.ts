/** `zell bench MODEL`: what a file does on this machine, and how near that is to the machine's own limits. */
import type { BenchmarkRequest } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { MachineLimits } from '#protocol/survey.ts';
import type { BenchOptions } from '../program.ts';
import { loadModel, modelPath, withHost, type Session } from '../session.ts';
import { note, paint, print, printJson } from '../terminal.ts';
import { benchLines, depthFor, type BenchFigures, type Together } from './benchReport.ts';

/** Decoding steps at a depth and of several sequences: enough for a figure, short enough to wait for. */
const SHORT_STEPS = 32;

/** Each measurement has the engine to itself, without HTTP in between; requests of others wait for it to end. */
export async function bench(argument: string | undefined, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const path = await modelPath(argument);
  await withHost(async (session) => {
    const { model } = await loadModel(session, path, signal);
    const figures = await measure(session, model, options, signal);
    if (options.json === true) printJson(figures);
    else for (const line of benchLines(figures)) print(line);
  }, signal);
}

async function measure(
  session: Session,
  model: ModelInfo,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<BenchFigures> {
  const { promptTokens, decodeTokens } = options;
  const run = (what: string, request: BenchmarkRequest) => {
    if (options.json !== true) note(paint('dim', `measuring ${what} …`));
    return session.request('zell/engine/bench', { name: model.path, ...request }, signal);
  };
  const { prefill } = await run(`a prompt of ${promptTokens} tokens`, { promptTokens, decodeTokens: 0 });
  const { decode, isa, threads } = await run(`${decodeTokens} tokens of answer`, { promptTokens: 0, decodeTokens });
  const common = { model: model.name, isa, threads, tokenWork: model.tokenWork, prefill, decode };
  if (options.quick === true) return { ...common, limits: null, deep: null, together: [] };

  const steps = Math.min(decodeTokens, SHORT_STEPS);
  const depth = depthFor(options.depth, steps, model.contextLength);
  const deep = await run(`answers after ${depth} tokens`, { promptTokens: 0, decodeTokens: steps, depth });
  const together: Together[] = [];
  for (const sequences of options.sequences) {
    const many = await run(`${sequences} answers at once`, { promptTokens: 0, decodeTokens: steps, sequences });
    together.push({ sequences, tokensPerSecond: many.decode.tokensPerSecond });
  }
  if (options.json !== true) note(paint('dim', 'measuring the machine itself …'));
  const limits: MachineLimits = await session.request('zell/engine/limits', {}, signal);
  return { ...common, limits, deep: { depth, tokensPerSecond: deep.decode.tokensPerSecond }, together };
}
