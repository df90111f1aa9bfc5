/** The native trainer in a process of its own, as the sleep cycle uses it: a crash of one never meets the answers of the engine. */
import { fork, type ChildProcess } from 'node:child_process';
import { ZellError } from '#protocol/errors.ts';
import type {
  FromTrainer,
  SparseDistributions,
  ToTrainer,
  TrainerCalls,
  TrainerItem,
  TrainerMethod,
  TrainPlan,
  TrainProgress,
} from '#protocol/trainer.ts';
import type { NativeTrainer, TrainerOpener } from './nativeTrainer.ts';

/** Items go in pieces, so that no message grows without limit. */
const ITEMS_AT_ONCE = 256;

/** `script`: the program's bundle, `trainer.mjs`. */
export function trainerProcess(script: string, env: NodeJS.ProcessEnv = process.env): TrainerOpener {
  return {
    open: async (modelPath, recipe, options, signal) => {
      const channel = new Channel(script, env);
      try {
        const { warmStart } = options;
        const given = { modelPath, recipe, ...(warmStart === undefined ? {} : { warmStart }) };
        return new ProcessTrainer(channel, await channel.call('open', given, signal));
      } catch (error) {
        await channel.close();
        throw error;
      }
    },
  };
}

class ProcessTrainer implements NativeTrainer {
  readonly plan: TrainPlan;
  readonly #channel: Channel;

  constructor(channel: Channel, plan: TrainPlan) {
    this.#channel = channel;
    this.plan = plan;
  }

  async addItems(items: readonly TrainerItem[]): Promise<void> {
    for (let first = 0; first < items.length; first += ITEMS_AT_ONCE)
      await this.#channel.call('addItems', { items: items.slice(first, first + ITEMS_AT_ONCE) });
  }

  steps(): Promise<number> {
    return this.#channel.call('steps', {});
  }

  run(steps: number, onProgress: (progress: TrainProgress) => void, signal: AbortSignal): Promise<TrainProgress> {
    return this.#channel.call('run', { steps }, signal, onProgress);
  }

  pause(): void {
    this.#channel.send({ type: 'pause' });
  }

  resume(): void {
    this.#channel.send({ type: 'resume' });
  }

  async saveCheckpoint(path: string): Promise<void> {
    await this.#channel.call('saveCheckpoint', { path });
  }

  async loadCheckpoint(path: string): Promise<void> {
    await this.#channel.call('loadCheckpoint', { path });
  }

  saveAdapter(path: string, metadata: Readonly<Record<string, string>>): Promise<{ readonly sha256: string }> {
    return this.#channel.call('saveAdapter', { path, metadata });
  }

  adapterHash(): Promise<string> {
    return this.#channel.call('adapterHash', {});
  }

  baseDistributions(
    tokens: Int32Array,
    loss: Uint8Array,
    top: number,
    signal: AbortSignal,
  ): Promise<SparseDistributions> {
    return this.#channel.call('baseDistributions', { tokens, loss, top }, signal);
  }

  close(): Promise<void> {
    return this.#channel.close();
  }
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: ZellError) => void;
  readonly onProgress: ((progress: TrainProgress) => void) | undefined;
}

class Channel {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #over: ZellError | undefined;

  constructor(script: string, env: NodeJS.ProcessEnv) {
    this.#child = fork(script, [], { env, serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#child.on('message', (message) => this.#take(message as FromTrainer));
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#over ??= new ZellError('engine_crashed', 'The training process ended unexpectedly.');
        for (const { reject } of this.#waiting.values()) reject(this.#over);
        this.#waiting.clear();
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
  }

  send(message: ToTrainer): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Aborted, it ends soon with `cancelled`, where the method can be stopped. */
  call<M extends TrainerMethod>(
    method: M,
    params: TrainerCalls[M]['params'],
    signal?: AbortSignal,
    onProgress?: (progress: TrainProgress) => void,
  ): Promise<TrainerCalls[M]['result']> {
    const id = this.#next++;
    return new Promise<TrainerCalls[M]['result']>((resolve, reject) => {
      if (this.#over !== undefined) {
        reject(this.#over);
        return;
      }
      const stop = (): void => this.send({ type: 'stop' });
      const done = (): void => signal?.removeEventListener('abort', stop);
      this.#waiting.set(id, {
        resolve: (value) => {
          done();
          resolve(value);
        },
        reject: (error) => {
          done();
          reject(error);
        },
        onProgress,
      });
      this.send({ type: 'call', id, method, params } as ToTrainer);
      if (signal?.aborted === true) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Ends the process at once: what matters is on the disk. */
  async close(): Promise<void> {
    this.#over ??= new ZellError('cancelled', 'The training was closed.');
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #take(message: FromTrainer): void {
    if (message.type === 'progress') {
      for (const { onProgress } of this.#waiting.values()) onProgress?.(message.progress);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'error') waiting?.reject(ZellError.fromWire(message.error));
    else waiting?.resolve(message.value as never);
  }
}
