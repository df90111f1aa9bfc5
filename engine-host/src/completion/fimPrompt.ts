/** The prompt of an inline completion: fill-in-the-middle when the vocabulary can, else the prefix to be continued. */
import type { PromptPart } from '#protocol/generation.ts';
import type { SpecialTokens } from '#protocol/model.ts';
import type { CutWindow } from './cutWindow.ts';

/** The user's text is never parsed for control tokens: those enter by number. */
export function completionPrompt(window: CutWindow, fim: SpecialTokens['fim']): PromptPart[] {
  if (fim === undefined) return [{ text: window.prefix, special: false }];
  return [
    { tokens: [fim.prefix] },
    { text: window.prefix, special: false },
    { tokens: [fim.suffix] },
    { text: window.suffix, special: false },
    { tokens: [fim.middle] },
  ];
}
