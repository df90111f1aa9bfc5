/** One inline completion from the window around the cursor to ghost text. */
import { ZellError } from '#protocol/errors.ts';
import type { CompletionWindow } from '#protocol/editor.ts';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { GREEDY } from '#protocol/sampling.ts';
import { completionPrompt } from './fimPrompt.ts';
import { healEnd } from './healEnd.ts';
import { cutWindow } from './cutWindow.ts';
import { trimCompletion } from './trimCompletion.ts';

/** The part of the engine that this needs. */
export interface CompletionEngine {
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>;
  call(
    method: 'tokenize',
    params: { text: string; addSpecial: boolean; parseSpecial: boolean },
    signal: AbortSignal,
  ): Promise<{ tokens: number[] }>;
}

/** Tokens of prompt; a small one answers sooner, and code far away says little. */
const PROMPT_BUDGET = 1024;
const MAX_TOKENS = 512;
/** Milliseconds after the first token, at a line break. */
const MAX_PREDICT_MS = { line: 1000, block: 2500 } as const;

/** @returns the text to show, empty for none. @throws {ZellError} engine failures; `cancelled` after an abort */
export async function completeInline(
  engine: CompletionEngine,
  model: Pick<ModelInfo, 'modelHash' | 'special' | 'addBos' | 'contextLength'>,
  window: CompletionWindow,
  signal: AbortSignal,
): Promise<string> {
  const maxTokens = Math.max(1, Math.min(window.maxTokens, MAX_TOKENS, Math.floor(model.contextLength / 4)));
  const budget = Math.min(PROMPT_BUDGET, model.contextLength - maxTokens - 8);
  const cut = await cutWindow(
    window,
    Math.max(16, budget),
    async (text, s) =>
      text === ''
        ? 0
        : (await engine.call('tokenize', { text, addSpecial: false, parseSpecial: false }, s)).tokens.length,
    signal,
  );
  if (cut.prefix === '' && cut.suffix === '') return '';
  // Models that fill in the middle were trained on cuts anywhere; others were not.
  const end = model.special.fim === undefined ? healEnd(cut.prefix) : { prompt: cut.prefix, restore: (t: string) => t };
  const request: GenerateRequest = {
    forModel: model.modelHash,
    prompt: completionPrompt({ prefix: end.prompt, suffix: cut.suffix }, model.special.fim),
    addBos: model.addBos,
    maxTokens,
    stop: window.shape === 'line' ? ['\n'] : ['\n\n\n'],
    sampling: GREEDY,
    priority: 'completion',
    maxPredictMs: MAX_PREDICT_MS[window.shape],
  };
  let text = '';
  for await (const event of engine.generate(request, signal)) {
    if (event.type === 'delta') text += event.text;
    else if (event.type === 'failed') throw ZellError.fromWire(event.error);
    else if (event.type === 'done' && event.finish === 'cancelled') throw cancelled();
  }
  if (signal.aborted) throw cancelled();
  return trimCompletion(end.restore(text), { prefix: window.prefix, suffix: window.suffix, shape: window.shape });
}

/** The window in a request's `zell` field, or undefined when it is not one. */
export function parseWindow(value: unknown): CompletionWindow | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const w = value as Partial<Record<keyof CompletionWindow, unknown>>;
  if (
    typeof w.prefix !== 'string' ||
    typeof w.suffix !== 'string' ||
    w.prefix.length > MAX_SIDE ||
    w.suffix.length > MAX_SIDE ||
    typeof w.languageId !== 'string' ||
    typeof w.fileName !== 'string' ||
    (w.shape !== 'line' && w.shape !== 'block') ||
    typeof w.maxTokens !== 'number' ||
    !Number.isInteger(w.maxTokens) ||
    w.maxTokens < 1
  )
    return undefined;
  return {
    prefix: w.prefix,
    suffix: w.suffix,
    languageId: w.languageId,
    fileName: w.fileName,
    shape: w.shape,
    maxTokens: w.maxTokens,
    ...(typeof w.workspace === 'string' ? { workspace: w.workspace } : {}),
  };
}

/** Characters of one side of the cursor. */
const MAX_SIDE = 64 * 1024;

function cancelled(): ZellError {
  return new ZellError('cancelled', 'The completion was cancelled.');
}
