/** One life of the child: its handshake, its open requests, and what becomes of them when it ends. */
import {
  ENGINE_PROTOCOL_VERSION,
  type EngineCalls,
  type EngineFrame,
  type EngineMethod,
  type EngineStats,
  type FrontFrame,
  type QueueStatus,
} from '#protocol/engine.ts';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import { FrameDecoder, asEngineFrame, encodeFrame } from '#protocol/frames.ts';
import type { EngineProcess, EngineProcessListener } from './engineProcess.ts';

/** Starts a child; tests give one without a process. */
export type LaunchEngine = (listener: EngineProcessListener) => EngineProcess;

export interface ConnectionListener {
  hello(): void;
  queue(queue: QueueStatus): void;
  stats(stats: EngineStats): void;
  line(text: string): void;
  /** The child is gone and every open request has been told. `incompatible`: a new one would be no better. */
  ended(error: ZellError): void;
}

interface OpenCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ZellError) => void;
  readonly onProgress: ((fraction: number) => void) | undefined;
}

export class Connection {
  readonly #listener: ConnectionListener;
  readonly #process: EngineProcess;
  readonly #decoder = new FrameDecoder();
  readonly #calls = new Map<number, OpenCall>();
  readonly #requests = new Map<number, (event: GenerateEvent) => void>();
  #lastId = 0;
  #helloSeen = false;
  #ended = false;
  #lastLine = '';
  /** Why we ended it ourselves. */
  #fault: ZellError | undefined;

  constructor(launch: LaunchEngine, listener: ConnectionListener) {
    this.#listener = listener;
    this.#process = launch({
      data: (bytes) => this.#take(bytes),
      line: (text) => {
        this.#lastLine = text;
        listener.line(text);
      },
      exit: (reason) => this.#exited(reason),
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Rejects with the engine's error, engine_crashed when the child ends, cancelled when `signal` aborts. */
  call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal: AbortSignal,
    onProgress?: (fraction: number) => void,
  ): Promise<EngineCalls[M]['result']> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#calls.delete(id);
        this.#send({ type: 'cancel', id });
        reject(new ZellError('cancelled', 'The call was cancelled.'));
      };
      const settled = (): void => signal.removeEventListener('abort', abort);
      this.#calls.set(id, {
        resolve: (value) => {
          settled();
          // The frame's value is what the method's type says: both ends are one build.
          resolve(value as EngineCalls[M]['result']);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
        onProgress,
      });
      const failed = this.#send({ type: 'call', id, method, params } as FrontFrame);
      if (failed !== undefined) {
        this.#calls.delete(id);
        reject(failed);
      } else if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** `take` gets the request's events; the last is `done` or `failed`. Returns how to cancel it; the end comes as an event. */
  generate(request: GenerateRequest, take: (event: GenerateEvent) => void): () => void {
    const id = ++this.#lastId;
    this.#requests.set(id, take);
    const failed = this.#send({ type: 'generate', id, request });
    if (failed !== undefined) {
      this.#requests.delete(id);
      take({ type: 'failed', error: failed.toWire() });
    }
    return () => {
      if (this.#requests.has(id)) this.#send({ type: 'cancel', id });
    };
  }

  /** Ends the child for `fault`, which its open requests get. */
  end(fault: ZellError, how: 'close' | 'kill'): void {
    this.#fault ??= fault;
    if (how === 'close') this.#process.close();
    else this.#process.kill();
  }

  #take(bytes: Uint8Array): void {
    if (this.#fault !== undefined) return;
    try {
      for (const value of this.#decoder.push(bytes)) this.#frame(asEngineFrame(value));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.end(new ZellError('engine_crashed', `The engine broke the protocol and was ended. ${reason}`), 'kill');
    }
  }

  #frame(frame: EngineFrame): void {
    if (!this.#helloSeen && frame.type !== 'hello') throw new ZellError('internal', 'Its first frame was no greeting.');
    switch (frame.type) {
      case 'hello':
        this.#hello(frame.protocol);
        return;
      case 'result':
        this.#settle(frame.id)?.resolve(frame.value);
        return;
      case 'error':
        this.#settle(frame.id)?.reject(ZellError.fromWire(frame.error));
        return;
      case 'progress':
        if (frame.total > 0) this.#calls.get(frame.id)?.onProgress?.(frame.done / frame.total);
        return;
      case 'step':
        this.#step(frame);
        return;
    }
  }

  #hello(protocol: number): void {
    if (protocol !== ENGINE_PROTOCOL_VERSION) {
      const message = `The engine speaks protocol ${protocol}, this program ${ENGINE_PROTOCOL_VERSION}. Install Zell again.`;
      this.end(new ZellError('incompatible', message), 'kill');
      return;
    }
    if (this.#helloSeen) throw new ZellError('internal', 'It greeted twice.');
    this.#helloSeen = true;
    this.#listener.hello();
  }

  #step(frame: EngineFrame & { type: 'step' }): void {
    // Figures first: who reads them after a request's end sees that request counted.
    if (frame.stats !== undefined) this.#listener.stats(frame.stats);
    if (frame.queue !== undefined) this.#listener.queue(frame.queue);
    for (const { id, event } of frame.events) {
      const take = this.#requests.get(id);
      if (event.type === 'done' || event.type === 'failed') this.#requests.delete(id);
      take?.(event);
    }
  }

  #settle(id: number): OpenCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  /** The error when the frame cannot be sent. */
  #send(frame: FrontFrame): ZellError | undefined {
    if (this.#ended) return new ZellError('engine_crashed', 'The engine ended.');
    try {
      this.#process.send(encodeFrame(frame));
      return undefined;
    } catch (error) {
      if (ZellError.is(error)) return error;
      throw error;
    }
  }

  #exited(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // Before its hello a child has said nothing but why it cannot start.
    const why = this.#helloSeen || this.#lastLine === '' ? reason : `${reason}: ${this.#lastLine}`;
    const error = this.#fault ?? new ZellError('engine_crashed', `The engine ended unexpectedly; ${why}.`);
    const wire: WireError = error.toWire();
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    for (const take of this.#requests.values()) take({ type: 'failed', error: wire });
    this.#requests.clear();
    this.#listener.ended(error);
  }
}
