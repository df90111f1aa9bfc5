/** `zell build --draft-head`: trains a draft head for a model, in an engine process of its own. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { DraftHeadOptions, DraftHeadReport } from '#protocol/engine.ts';
import { ANCHOR_PROMPTS } from '../memory/dreaming/anchorPrompts.ts';
import { draftHeadFile } from '../profile/draftHeadFile.ts';
import { ChatTemplates } from '../templates/chatTemplates.ts';
import { ModelVoice } from './modelVoice.ts';
import { withEngine } from './separateEngine.ts';

/** A prompt of this kind fits easily; what is loaded to tokenise it needs no more. */
const PROMPT_CONTEXT = 512;
/** Shares of the work; native/src/runtime/draft_builder.cc. */
const TEXTS_UNTIL = 0.4;
const TRAINING_UNTIL = 0.95;

export interface BuiltDraftHead extends DraftHeadReport {
  readonly file: string;
}

/**
 * `folder`: of the profiles. A head that does not pay is not written, and one that was there before stays.
 * @throws {ZellError} what the model cannot be loaded or trained for; cancelled
 */
export async function buildDraftHead(
  model: string,
  folder: string,
  options: DraftHeadOptions,
  onStep: (detail: string, fraction: number) => void,
  signal: AbortSignal,
): Promise<BuiltDraftHead> {
  const templates = new ChatTemplates();
  try {
    return await withEngine(async (engine) => {
      onStep('Loading the model', 0);
      const info = await engine.load(model, { contextLength: PROMPT_CONTEXT }, () => undefined, signal);
      const voice = new ModelVoice(engine, templates, info);
      const prompts: number[][] = [];
      for (const content of ANCHOR_PROMPTS) {
        const parts = await voice.render([{ role: 'user', content }], signal);
        prompts.push([...(await voice.tokenize(parts, true, signal))]);
      }
      await engine.call('unload', {}, signal);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = draftHeadFile(folder, info.modelHash);
      const params = { model: path.resolve(model), prompts, output: file, load: {}, options };
      const report = await engine.call('buildDraftHead', params, signal, (fraction) =>
        onStep(stepAt(fraction), fraction),
      );
      return { ...report, file };
    });
  } finally {
    templates.close();
  }
}

function stepAt(fraction: number): string {
  if (fraction < TEXTS_UNTIL) return 'The model writes texts to learn from';
  return fraction < TRAINING_UNTIL ? 'Training the draft head' : 'Trying the draft head';
}
