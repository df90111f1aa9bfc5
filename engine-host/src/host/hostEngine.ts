/** The engine as the host uses it; `engineClient` is the real one, tests pass plain objects. */
import type { QueueStatus } from '#protocol/engine.ts';
import type { LoadOptions, ModelInfo } from '#protocol/model.ts';
import type { WireError } from '#protocol/errors.ts';
import type { ApiEngine } from '../api/deps.ts';

export interface EngineCondition {
  readonly queue: QueueStatus;
  /** Set while `state` is `crashed`. */
  readonly error?: WireError;
}

export interface HostEngine extends ApiEngine {
  readonly condition: EngineCondition;
  start(): Promise<void>;
  /** Loads a model in place of the present one; a restarted child loads it again by itself. */
  load(
    path: string,
    options: LoadOptions,
    onProgress: (fraction: number) => void,
    signal: AbortSignal,
  ): Promise<ModelInfo>;
  /** Ends the child and starts a new one with the same model. */
  restart(signal: AbortSignal): Promise<void>;
  /** Open requests end with an error; the child is gone when this resolves. */
  stop(): Promise<void>;
  /** Called on every change of state or queue. */
  onStatus(listener: () => void): void;
}
