/** What a host says of itself: its state in words, its model, its queue. A pure function of its parts. */
import type { HostStatus } from '#protocol/editor.ts';
import type { Restraint } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { WireError } from '#protocol/errors.ts';
import type { ModelActivity } from '../models/modelService.ts';
import type { HostEngine } from './hostEngine.ts';

export interface HostCondition {
  readonly engine: Pick<HostEngine, 'state' | 'condition' | 'stats'>;
  readonly model: ModelInfo | undefined;
  /** A model that is being fetched or loaded. */
  readonly activity: ModelActivity | undefined;
  /** While a system prompt or a profile is being built. */
  readonly building: ModelActivity | undefined;
  readonly preloading: boolean;
  /** Why no model is loaded although one was asked for. */
  readonly modelError: WireError | undefined;
  readonly memory: HostStatus['memory'];
  readonly restraint: Restraint | undefined;
  readonly version: string;
  readonly port: number;
  /** Of editors. */
  readonly leases: number;
}

export function hostStatus(host: HostCondition): HostStatus {
  const { engine, model, activity, building, memory, restraint, version, port, leases } = host;
  const progress = activity?.progress ?? building?.progress;
  const { state, detail, error } = stateOf(host);
  const stats = engine.stats();
  const shrunk = stats.experts?.shrunk ?? stats.layers?.shrunk;
  return {
    state,
    detail,
    version,
    pid: process.pid,
    port,
    ...(model === undefined
      ? {}
      : {
          model: {
            name: model.name,
            modelHash: model.modelHash,
            path: model.path,
            architecture: model.architecture,
            quantization: model.quantization,
            contextLength: model.contextLength,
            fit: model.fit,
            ...(model.kv === undefined ? {} : { kv: model.kv }),
          },
        }),
    tokensPerSecond: stats.lastTokensPerSecond,
    ...(shrunk === undefined ? {} : { shrunk }),
    ...(restraint === undefined ? {} : { restraint }),
    queue: engine.condition.queue,
    leases,
    ...(progress === undefined ? {} : { progress }),
    ...(error === undefined ? {} : { error }),
    ...(memory === undefined ? {} : { memory }),
  };
}

function stateOf({
  engine,
  model,
  activity,
  building,
  preloading,
  modelError,
}: HostCondition): Pick<HostStatus, 'state' | 'detail'> & { error?: WireError } {
  if (engine.state === 'crashed') {
    const error = engine.condition.error;
    return { state: 'crashed', detail: error?.message ?? 'The engine ended unexpectedly.', ...(error && { error }) };
  }
  if (activity !== undefined) return { state: 'loading', detail: activity.detail };
  if (model !== undefined && engine.state !== 'starting')
    return {
      state: engine.state === 'loading' ? 'loading' : 'ready',
      detail: building?.detail ?? `${model.name} is ready`,
    };
  if (building !== undefined && engine.state === 'ready') return { state: 'ready', detail: building.detail };
  if (preloading || engine.state === 'starting') return { state: 'starting', detail: 'The engine is starting' };
  return {
    state: 'ready',
    detail: modelError?.message ?? 'No model is loaded; the first request loads the default one.',
    ...(modelError && { error: modelError }),
  };
}
