/** Dreaming with the loaded model, where it is large enough: within a part of the night, and resting when the night does. */
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ModelDreamer } from '../../memory/dreaming/dreamer.ts';
import { canDream, modelDreamer } from '../../memory/dreaming/modelDreamer.ts';
import type { GateEngine } from '../gate/measure.ts';
import type { ItemRenderer } from '../renderItem.ts';
import type { StepHooks } from '../sleep/sleepCycle.ts';

export interface DreamVoice {
  readonly model: Pick<ModelInfo, 'parameters'>;
  readonly voice: Pick<GateEngine, 'answer'> & Pick<ItemRenderer, 'render'>;
}

/** Most of the night is for training. */
const SHARE = 0.2;

/**
 * Undefined for a model that is too small. What it writes after its time is up fails, so that rules alone make the cards of what is
 * left. `budgetMs`: of the whole night. `now`: milliseconds, of any clock that only rises.
 */
export function nightDreamer(
  { model, voice }: DreamVoice,
  { valve }: Pick<StepHooks, 'valve'>,
  budgetMs: number,
  now: () => number = () => performance.now(),
): ModelDreamer | undefined {
  if (!canDream(model.parameters)) return undefined;
  let left = budgetMs * SHARE;
  let worked = 0;
  return modelDreamer(async (messages, maxTokens, signal) => {
    await valve.pass(worked, signal);
    worked = 0;
    if (left <= 0) throw new ZellError('cancelled', 'The time for dreaming is up.');
    const started = now();
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(left))]);
      const prompt = await voice.render(messages, inTime);
      return (await voice.answer(prompt, maxTokens, [], inTime)).text;
    } finally {
      worked = now() - started;
      left -= worked;
    }
  });
}
