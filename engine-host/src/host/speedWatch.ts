/** Tells the profiles what the loaded model's speed was, whenever the engine has come to rest. */
import type { ModelInfo } from '#protocol/model.ts';
import type { ModelProfiles } from '../profile/modelProfiles.ts';
import type { HostEngine } from './hostEngine.ts';

/** Of rest, so that the counters of the last request are there. */
const REST_MS = 1000;

export function watchSpeed(
  engine: Pick<HostEngine, 'call' | 'condition' | 'onStatus' | 'stats' | 'state'>,
  profiles: Pick<ModelProfiles, 'seen'>,
  model: () => Pick<ModelInfo, 'path'> | undefined,
  onProblem: (error: unknown) => void,
): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    timer = undefined;
    const loaded = model();
    if (loaded === undefined || engine.state !== 'ready' || engine.condition.queue.running > 0) return;
    const uses = async () => (await engine.call('expertUses', {}, AbortSignal.any([]))).layers;
    profiles.seen(loaded.path, engine.stats(), uses).catch(onProblem);
  };
  engine.onStatus(() => {
    if (engine.condition.queue.running > 0) return;
    timer ??= setTimeout(look, REST_MS);
    timer.unref();
  });
}
