/** What the base model writes by itself, once for each model: training holds the model to it, so that it stays who it was. */
import { several } from '../several.ts';
import { ANCHOR_PROMPTS } from './anchorPrompts.ts';

/** The base model without any adapter; temperature and length are given. */
export interface BaseWriter {
  /** From the start token, without a prompt. */
  free(
    options: { readonly temperature: number; readonly maxTokens: number; readonly seed: number },
    signal: AbortSignal,
  ): Promise<string>;
  chat(
    prompt: string,
    options: { readonly temperature: number; readonly maxTokens: number; readonly seed: number },
    signal: AbortSignal,
  ): Promise<string>;
}

export type AnchorText =
  | { readonly type: 'free'; readonly text: string }
  | { readonly type: 'chat'; readonly prompt: string; readonly text: string };

/** Short ones: for the same time more of them, which keeps the model as well. */
const MAX_TOKENS = 48;
const FREE_SAMPLES = 160;
/** Requests at a time: streams that are decoded together read the weights once. */
const AT_ONCE = 6;

/** As many as there can be: a third running free at temperature 1, two thirds answers at 0.7. */
export function mostAnchors(): number {
  return FREE_SAMPLES + ANCHOR_PROMPTS.length;
}

/** The same seed asks for the same texts; fewer of them are a part of all. Empty texts are left out. */
export async function writeAnchors(
  writer: BaseWriter,
  seed: number,
  signal: AbortSignal,
  count = mostAnchors(),
): Promise<AnchorText[]> {
  const prompts = ANCHOR_PROMPTS.slice(0, Math.floor((count * 2) / 3));
  const free = Math.min(FREE_SAMPLES, count - prompts.length);
  const asked = [...Array.from({ length: free }, () => undefined), ...prompts];
  const anchors = await several(asked, AT_ONCE, async (prompt, i): Promise<AnchorText> => {
    if (prompt === undefined)
      return {
        type: 'free',
        text: await writer.free({ temperature: 1, maxTokens: MAX_TOKENS, seed: seed + i }, signal),
      };
    const options = { temperature: 0.7, maxTokens: MAX_TOKENS, seed: seed + FREE_SAMPLES + i - free };
    return { type: 'chat', prompt, text: await writer.chat(prompt, options, signal) };
  });
  return anchors.filter(({ text }) => text.trim() !== '');
}
