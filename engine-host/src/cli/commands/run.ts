/** `zell run [MODEL] PROMPT` and `zell ask PROMPT`. */
import type { AdapterScale } from '#protocol/generation.ts';
import { toWireError, ZellError } from '#protocol/errors.ts';
import type { Card } from '#protocol/memory.ts';
import { checkAdapters, type AdapterFile } from '../adapterOption.ts';
import { chat, type ChatAnswer } from '../chat.ts';
import { tellOnFirstRun } from '../firstRun.ts';
import { folderAdapter } from '../folderAdapter.ts';
import type { RunOptions } from '../program.ts';
import { loadModel, modelPath, withHost, type Session } from '../session.ts';
import { note, paint, print, printJson } from '../terminal.ts';
import { oneLine } from './memory.ts';

/** One word is the prompt, two are model and prompt. */
export async function run(words: readonly string[], options: RunOptions, signal: AbortSignal): Promise<void> {
  const [modelArgument, prompt] = splitWords(words);
  const files = await checkAdapters(options.lora === false ? [] : options.lora);
  const model = await modelPath(modelArgument);
  await tellOnFirstRun();
  await withHost(async (session) => {
    const loaded = await loadModel(session, model, signal);
    const answer = await withAdapters(
      session,
      options.lora === undefined ? await filesHere(session, signal) : files,
      (adapters) =>
        chat(
          session,
          { ...options, ...(options.lora === false ? { adapters: [] } : adapters), model: loaded.model.path, prompt },
          (text) => {
            if (options.json !== true) process.stdout.write(text);
          },
          signal,
        ),
      signal,
    );
    if (options.json === true) printJson(asJson(loaded.model.name, loaded.loadMs, answer));
    else {
      print('');
      note(paint('dim', summary(answer)));
      if (answer.memories.length > 0) await tellMemories(session, answer.memories, signal);
    }
  }, signal);
}

/** Which memories went with the prompt, and how to be rid of one. What cannot be looked up is no reason to fail. */
async function tellMemories(session: Session, ids: readonly string[], signal: AbortSignal): Promise<void> {
  const { cards } = await session
    .request('zell/memory/cards', { ids: [...ids] }, signal)
    .catch(() => ({ cards: [] as Card[] }));
  note(
    paint('dim', `${ids.length === 1 ? '1 memory' : `${ids.length} memories`} used; zell memory forget ID ends one:`),
  );
  for (const { id, statement } of cards) note(paint('dim', `  ${id}  ${oneLine(statement)}`));
}

/** One that does not fit this model is no reason to give no answer: nobody asked for it. */
async function filesHere(session: Session, signal: AbortSignal): Promise<readonly AdapterFile[]> {
  const file = await folderAdapter(session, signal);
  if (file === undefined) return [];
  try {
    const { adapter } = await session.request('zell/adapters/load', { path: file, scale: 0 }, signal);
    await session.request('zell/adapters/unload', { id: adapter.id }, signal);
    return [{ path: file, scale: 1 }];
  } catch (error) {
    note(`It is not used: ${toWireError(error).message}`);
    return [];
  }
}

/** Loads the adapters for this command alone: other requests get scale 0. */
async function withAdapters<T>(
  session: Session,
  files: readonly AdapterFile[],
  work: (adapters: { adapters?: readonly AdapterScale[] }) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (files.length === 0) return work({});
  const adapters: AdapterScale[] = [];
  try {
    for (const { path, scale } of files) {
      const { adapter } = await session.request('zell/adapters/load', { path, scale: 0 }, signal);
      adapters.push({ id: adapter.id, scale });
    }
    return await work({ adapters });
  } finally {
    for (const { id } of adapters)
      await session.request('zell/adapters/unload', { id }, AbortSignal.timeout(5000)).catch(() => undefined);
  }
}

export function splitWords(words: readonly string[]): [model: string | undefined, prompt: string] {
  const [first, second, ...more] = words;
  if (first === undefined || more.length > 0)
    throw new ZellError(
      'invalid_request',
      'One prompt is needed, or a model and one prompt. Put the prompt in quotes.',
    );
  const prompt = second ?? first;
  if (prompt.trim() === '') throw new ZellError('invalid_request', 'The prompt is empty.');
  return [second === undefined ? undefined : first, prompt];
}

/** The shape of `--json`. */
export function asJson(model: string, loadMs: number, answer: ChatAnswer): object {
  const { text, tokens, promptTokens, promptMs, decodeTokens, decodeMs } = answer;
  return {
    model,
    text,
    tokens,
    ...(answer.memories.length > 0 ? { memories: answer.memories } : {}),
    timings: {
      loadMs: tenths(loadMs),
      promptTokens,
      promptMs: tenths(promptMs),
      decodeTokens,
      decodeMs: tenths(decodeMs),
    },
  };
}

function summary(answer: ChatAnswer): string {
  const perSecond = answer.decodeMs > 0 ? (answer.decodeTokens / answer.decodeMs) * 1000 : 0;
  const speed = perSecond > 0 ? `, ${perSecond.toFixed(1)} tokens/s` : '';
  const cut = answer.finish === 'length' ? '; the answer was cut there, --max-tokens makes it longer' : '';
  return `${answer.decodeTokens} tokens${speed}${cut}`;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
