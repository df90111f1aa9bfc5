/** The engine child behind its pipe: answers calls, runs generate requests, sends what steps produced in one frame. */
import type { Duplex } from 'node:stream';
import { ENGINE_PROTOCOL_VERSION, type FrontFrame, type QueueStatus } from '#protocol/engine.ts';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import { runCall } from './calls.ts';
import { Delivery, type DeliveredEvent } from './delivery.ts';
import { GenerateTask } from './inference/generateTask.ts';
import { ModelHost } from './modelHost.ts';
import type { NativeAddon } from './native/binding.ts';
import { nativeError } from './native/nativeError.ts';
import { EnginePipe } from './pipe.ts';
import { VERSION } from './version.ts';

export interface EngineServerOptions {
  readonly addon: NativeAddon;
  readonly stream: Duplex;
  /** Names the engine's code. Default: none, for an engine that keeps nothing on the disk. */
  readonly build?: string;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** The pipe is closed: end the process now. `reason` is set when the front sent what is no frame. */
  readonly onClosed: (reason: WireError | undefined) => void;
}

/** Sends `hello` and serves until the stream closes. */
export function serveEngine(options: EngineServerOptions): void {
  new EngineServer(options).start();
}

class EngineServer {
  readonly #options: EngineServerOptions;
  readonly #pipe: EnginePipe;
  readonly #host: ModelHost;
  /** How to cancel each open request or call. */
  readonly #open = new Map<number, () => void>();
  readonly #delivery: Delivery;
  /** What the front was told last. */
  #queue: QueueStatus | undefined;

  constructor(options: EngineServerOptions) {
    this.#options = options;
    this.#pipe = new EnginePipe(options.stream);
    this.#delivery = new Delivery({ now: options.now, send: (events, ended) => this.#send(events, ended) });
    this.#host = new ModelHost({
      addon: options.addon,
      now: options.now,
      build: options.build ?? '',
      flush: (nextMs) => this.#delivery.offer(nextMs),
    });
  }

  start(): void {
    this.#pipe.listen({ frame: (frame) => this.#take(frame), closed: this.#options.onClosed });
    this.#pipe.send({
      type: 'hello',
      protocol: ENGINE_PROTOCOL_VERSION,
      version: VERSION,
      isa: this.#options.addon.cpu().isa,
      pid: process.pid,
    });
  }

  #take(frame: FrontFrame): void {
    switch (frame.type) {
      case 'cancel':
        this.#open.get(frame.id)?.();
        return;
      case 'generate':
        this.#generate(frame.id, frame.request);
        return;
      case 'call':
        void this.#call(frame);
        return;
    }
  }

  #generate(id: number, request: GenerateRequest): void {
    const apart = request.eachToken === true;
    const emit = (event: GenerateEvent): void => {
      this.#delivery.add(id, event, apart);
      if (event.type === 'done' || event.type === 'failed') this.#open.delete(id);
    };
    try {
      const { model, scheduler, adapters } = this.#host.loaded;
      if (request.forModel !== undefined && request.forModel !== model.info.modelHash)
        throw new ZellError('busy', 'Another model was loaded meanwhile. Ask again.');
      scheduler.checkRoom(request.priority);
      const task = new GenerateTask(model, request, emit, this.#options.now, adapters.inForce(request.adapters));
      scheduler.submit(task);
      this.#open.set(id, () => scheduler.cancel(task));
    } catch (error) {
      emit({ type: 'failed', error: nativeError(error) });
      this.#delivery.offer();
    }
  }

  /** Never rejects. */
  async #call(frame: FrontFrame & { type: 'call' }): Promise<void> {
    const { id, method, params } = frame;
    const abort = new AbortController();
    this.#open.set(id, () => abort.abort());
    try {
      const value = await runCall(method, params, {
        host: this.#host,
        addon: this.#options.addon,
        now: this.#options.now,
        onProgress: (done, total) => this.#pipe.send({ type: 'progress', id, done, total }),
        signal: abort.signal,
      });
      this.#pipe.send({ type: 'result', id, value });
    } catch (error) {
      this.#pipe.send({ type: 'error', id, error: nativeError(error) });
    } finally {
      this.#open.delete(id);
    }
    if (method === 'load' || method === 'unload') this.#send([], true);
  }

  #send(events: readonly DeliveredEvent[], withStats: boolean): void {
    const queue = this.#host.queue();
    const known = this.#queue;
    const { running, waiting, slots, maxWaiting } = queue;
    // Once for each frame of tokens: nothing is said twice.
    const changed =
      known?.running !== running ||
      known.waiting !== waiting ||
      known.slots !== slots ||
      known.maxWaiting !== maxWaiting;
    this.#queue = queue;
    this.#pipe.send({
      type: 'step',
      events,
      ...(changed ? { queue } : {}),
      ...(withStats ? { stats: this.#host.stats() } : {}),
    });
  }
}
