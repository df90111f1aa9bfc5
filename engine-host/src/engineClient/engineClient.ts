/** The engine as the front sees it: always there, restarted when it crashes, with the model it had. */
import type { EngineCalls, EngineMethod, EngineStats, QueueStatus } from '#protocol/engine.ts';
import type { AdapterInfo, GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { LoadOptions, ModelInfo } from '#protocol/model.ts';
import type { HostState } from '#protocol/editor.ts';
import { ZellError, toWireError, type WireError } from '#protocol/errors.ts';
import { Backoff } from './backoff.ts';
import { Connection, type LaunchEngine } from './connection.ts';
import { spawnEngine, type StreamPair } from './engineProcess.ts';
import { EventQueue } from './eventQueue.ts';
import { NO_QUEUE, NO_STATS } from './noStats.ts';

/** A child that has not greeted by then is ended. */
const HELLO_MS = 10_000;
/** A child that has not followed its pipe's end by then is killed. */
const STOP_MS = 2000;

export interface EngineClientOptions {
  /** The child's bundle. */
  readonly script: string;
  /** On top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A line that the child wrote, or a note about its life. Never prompt or reply text. */
  readonly log?: (line: string) => void;
  /** Ends of the pipe to the child, where somebody can make them: what comes from such a one costs less to read. */
  readonly streamPair?: StreamPair;
  /** Instead of a process that runs `script`. */
  readonly launch?: LaunchEngine;
}

const WITHOUT_MODEL: ReadonlySet<EngineMethod> = new Set([
  'buildDraftHead',
  'inspect',
  'measureImportance',
  'quantize',
  'restrain',
  'survey',
  'stats',
  'unload',
]);

/** Short and without a trace: asked again of the next child when one dies of something else. */
const REPEATABLE: ReadonlySet<EngineMethod> = new Set([
  'adapters',
  'count',
  'detokenize',
  'embed',
  'pieces',
  'promptTokens',
  'tokenize',
]);

type WantedModel = EngineCalls['load']['params'];
/** What comes next: nobody started it, a child runs, a new one is on its way, or nobody tries any more. */
type Phase = 'idle' | 'running' | 'waiting' | 'given up' | 'stopped';

export class EngineClient {
  readonly #launch: LaunchEngine;
  readonly #log: (line: string) => void;
  readonly #backoff = new Backoff();
  readonly #listeners = new Set<() => void>();
  #phase: Phase = 'idle';
  #state: HostState = 'starting';
  #error: WireError | undefined;
  #connection: Connection | undefined;
  #greeted = false;
  /** Loads again after a crash. Set while it is being loaded for the first time, too. */
  #wanted: WantedModel | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Loads that the present child has not answered. */
  #loads = 0;
  #stats: EngineStats = NO_STATS;
  #queue: QueueStatus = NO_QUEUE;
  /** Told on each change of phase, greeting or state. */
  #waiters = new Set<() => void>();

  constructor(options: EngineClientOptions) {
    this.#launch = options.launch ?? ((listener) => spawnEngine(options.script, listener, options));
    this.#log = options.log ?? (() => undefined);
  }

  /** `starting` until the child greets, `loading` while it loads, `ready` (with or without a model), `crashed`. */
  get state(): HostState {
    return this.#state;
  }

  /** `error` is set while `state` is `crashed`. */
  get condition(): { readonly queue: QueueStatus; readonly error?: WireError } {
    return this.#error === undefined ? { queue: this.#queue } : { queue: this.#queue, error: this.#error };
  }

  /** Process id of the child that runs now. */
  get pid(): number | undefined {
    return this.#connection?.pid;
  }

  stats(): EngineStats {
    return { ...this.#stats, queue: this.#queue };
  }

  /** Called on every change of state or queue. */
  onStatus(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Starts the child and waits for its greeting.
   * @throws {ZellError} engine_crashed, incompatible: nobody tries again before `restart` or `load`
   */
  async start(): Promise<void> {
    if (this.#phase === 'idle' || this.#phase === 'stopped') this.#open();
    await this.#greeting(NEVER);
  }

  /**
   * Loads a model in place of the present one; a restarted child loads it again by itself.
   * @throws {ZellError} what loading failed with; engine_crashed when the child died of it
   */
  async load(
    path: string,
    options: LoadOptions,
    onProgress: (fraction: number) => void,
    signal: AbortSignal,
  ): Promise<ModelInfo> {
    this.#revive();
    await this.#greeting(signal);
    return await orAborted(this.#load({ path, options }, onProgress), signal);
  }

  /**
   * Waits for a child that is starting. `load` is the method above; `unload` also forgets the model. What only asks is asked once
   * more when the child dies meanwhile.
   * @throws {ZellError}
   */
  async call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal: AbortSignal,
    onProgress?: (fraction: number) => void,
  ): Promise<EngineCalls[M]['result']> {
    if (method === 'load') {
      const { path, options } = params as WantedModel;
      const info: ModelInfo = await this.load(path, options, onProgress ?? (() => undefined), signal);
      return info;
    }
    if (method === 'unload') this.#wanted = undefined;
    // These need no model; the others wait until a restarted child has loaded it again.
    const present = (): Promise<Connection> =>
      WITHOUT_MODEL.has(method) ? this.#greeting(signal) : this.#settled(signal);
    let connection = await present();
    const model = this.#wanted?.path;
    let result;
    try {
      result = await connection.call(method, params, signal, onProgress);
    } catch (error) {
      if (!REPEATABLE.has(method) || !ZellError.is(error) || !this.#mayTryAgain(error)) throw error;
      const lost = connection;
      await this.#change(() => this.#connection !== lost, signal);
      connection = await present();
      result = await connection.call(method, params, signal, onProgress);
    }
    if (method === 'loadAdapter' || method === 'unloadAdapter' || method === 'scaleAdapters')
      this.#adaptersAre((result as EngineCalls['adapters']['result']).adapters, connection, model);
    return result;
  }

  /**
   * One request's events. Waits for a child that is starting or loading; a request that a dying child had not begun with goes to the
   * next one, once. Failures are events; the iterable never throws.
   * Abort, or leaving the loop early: the request is gone from the next step.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterableIterator<GenerateEvent> {
    const abandon = new AbortController();
    const either = AbortSignal.any([signal, abandon.signal]);
    const events = new EventQueue(() => abandon.abort());
    void this.#generate(request, events, either);
    return events;
  }

  /** Ends the child and starts a new one with the same model; its open requests fail. */
  async restart(signal: AbortSignal): Promise<void> {
    const connection = this.#connection;
    this.#backoff.reset();
    if (connection === undefined) this.#open();
    else connection.end(new ZellError('engine_crashed', 'The engine is being restarted.'), 'kill');
    await this.#change(() => this.#connection !== connection && this.#phase !== 'waiting', signal);
    await this.#settled(signal);
  }

  /** Open requests end with an error; the child is gone when this resolves. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#stopTimer();
    const connection = this.#connection;
    if (connection !== undefined) {
      const reason = new ZellError('engine_crashed', 'The engine is being stopped.');
      connection.end(reason, 'close');
      this.#timer = setTimeout(() => connection.end(reason, 'kill'), STOP_MS);
      await this.#change(() => this.#connection !== connection, NEVER);
      this.#stopTimer();
    }
    this.#changed();
  }

  async #generate(request: GenerateRequest, events: EventQueue, signal: AbortSignal): Promise<void> {
    try {
      const first = await this.#settled(signal);
      if ((await this.#run(first, request, events, signal)) === 'lost') {
        await this.#change(() => this.#connection !== first, signal);
        await this.#run(await this.#settled(signal), request, events, signal, true);
      }
    } catch (error) {
      events.push(ZellError.is(error, 'cancelled') ? NEVER_RAN : { type: 'failed', error: toWireError(error) });
    }
  }

  /**
   * Gives a request to one child. `lost`: that child died before it had begun with it, so another one may; a second time this is
   * told instead (`last`), as the request itself may be what they die of.
   */
  #run(
    connection: Connection,
    request: GenerateRequest,
    events: EventQueue,
    signal: AbortSignal,
    last = false,
  ): Promise<'told' | 'lost'> {
    return new Promise((resolve) => {
      let begun = last;
      let cancel = (): void => undefined;
      const take = (event: GenerateEvent): void => {
        const ends = event.type === 'done' || event.type === 'failed';
        if (ends) signal.removeEventListener('abort', cancel);
        const lost = !begun && event.type === 'failed' && this.#mayTryAgain(event.error);
        begun = true;
        if (!lost) events.push(event);
        if (ends) resolve(lost ? 'lost' : 'told');
      };
      cancel = connection.generate(request, take);
      if (signal.aborted) cancel();
      else if (!events.ended) signal.addEventListener('abort', cancel, { once: true });
    });
  }

  /** A child died, and another one will come. */
  #mayTryAgain(error: Pick<WireError, 'code'>): boolean {
    return error.code === 'engine_crashed' && this.#phase !== 'stopped';
  }

  /** A restarted child loads them with the model, under the ids that they have now. */
  #adaptersAre(adapters: readonly AdapterInfo[], connection: Connection, model: string | undefined): void {
    if (this.#wanted === undefined || this.#wanted.path !== model || connection !== this.#connection) return;
    const { path, options } = this.#wanted;
    this.#wanted = {
      path,
      options: { ...options, adapters: adapters.map(({ id, path: file, scale }) => ({ id, path: file, scale })) },
    };
  }

  #revive(): void {
    if (this.#phase === 'idle' || this.#phase === 'given up') {
      this.#backoff.reset();
      // The model that the engine died of is not tried before the new one.
      this.#wanted = undefined;
      this.#open();
    }
  }

  #open(): void {
    this.#stopTimer();
    this.#phase = 'running';
    this.#greeted = false;
    this.#loads = 0;
    this.#error = undefined;
    this.#state = 'starting';
    const connection = new Connection(this.#launch, {
      hello: () => this.#hello(connection),
      queue: (queue) => {
        this.#queue = queue;
        for (const listener of this.#listeners) listener();
      },
      stats: (stats) => {
        this.#stats = stats;
      },
      line: this.#log,
      ended: (error) => this.#ended(error),
    });
    this.#connection = connection;
    this.#timer = setTimeout(() => {
      connection.end(new ZellError('engine_crashed', `The engine did not start within ${HELLO_MS / 1000} s.`), 'kill');
    }, HELLO_MS);
    this.#changed();
  }

  #hello(connection: Connection): void {
    this.#stopTimer();
    this.#greeted = true;
    this.#log(`the engine runs, process ${connection.pid ?? 0}`);
    const wanted = this.#wanted;
    if (wanted === undefined) {
      this.#ready();
      return;
    }
    // A failure leaves the child without a model, and requests say so; a crash comes as `ended`.
    this.#load(wanted, () => undefined).catch((error: unknown) => {
      this.#log(`the model could not be loaded again: ${toWireError(error).message}`);
    });
  }

  /** Goes on to its end whoever stops waiting for it: a load cannot be taken back. */
  async #load(wanted: WantedModel, onProgress: (fraction: number) => void): Promise<ModelInfo> {
    const connection = this.#connection;
    if (connection === undefined) throw this.#down();
    const before = this.#wanted;
    this.#wanted = wanted;
    this.#loads++;
    this.#backoff.loading(performance.now());
    this.#state = 'loading';
    this.#changed();
    try {
      return await connection.call('load', wanted, NEVER, onProgress);
    } catch (error) {
      // After a death the next child tries again, three times; only a refusal is the end of it.
      if (connection === this.#connection && wanted === this.#wanted) await this.#notLoaded(connection, before);
      throw error;
    } finally {
      if (connection === this.#connection && --this.#loads === 0) this.#ready();
    }
  }

  /** The engine keeps the present model when it refuses a file, and has none when loading one failed. */
  async #notLoaded(connection: Connection, before: WantedModel | undefined): Promise<void> {
    const wanted = this.#wanted;
    const kept = await connection.call('count', { prompt: [], addBos: false }, NEVER).then(
      () => true,
      () => false,
    );
    if (connection === this.#connection && wanted === this.#wanted) this.#wanted = kept ? before : undefined;
  }

  #ready(): void {
    this.#state = 'ready';
    this.#backoff.ready(performance.now());
    this.#changed();
  }

  #ended(error: ZellError): void {
    this.#stopTimer();
    this.#connection = undefined;
    this.#greeted = false;
    this.#queue = { ...this.#queue, running: 0, waiting: 0 };
    this.#log(error.message);
    if (this.#phase === 'stopped') {
      this.#state = 'starting';
      this.#changed();
      return;
    }
    this.#state = 'crashed';
    const delay = ZellError.is(error, 'incompatible') ? undefined : this.#backoff.crashed(performance.now());
    if (delay === undefined) {
      this.#phase = 'given up';
      this.#error = new ZellError(error.code, `${error.message} Restart the engine to try again.`).toWire();
    } else {
      this.#phase = 'waiting';
      this.#error = error.toWire();
      this.#timer = setTimeout(() => this.#open(), delay);
    }
    this.#changed();
  }

  /** The child, once it has greeted. Rejects with why there will be none. */
  async #greeting(signal: AbortSignal): Promise<Connection> {
    await this.#change(() => this.#greeted || this.#hopeless, signal);
    return this.#present();
  }

  /** The child, once it is neither starting nor loading. */
  async #settled(signal: AbortSignal): Promise<Connection> {
    await this.#change(() => (this.#greeted && this.#state === 'ready') || this.#hopeless, signal);
    return this.#present();
  }

  get #hopeless(): boolean {
    return this.#phase !== 'running' && this.#phase !== 'waiting';
  }

  #present(): Connection {
    if (this.#connection === undefined || this.#hopeless) throw this.#down();
    return this.#connection;
  }

  #down(): ZellError {
    if (this.#error !== undefined) return ZellError.fromWire(this.#error);
    return new ZellError('engine_starting', 'The engine is not running.');
  }

  /** Resolves when `test` holds; rejects when `signal` aborts. */
  #change(test: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiters.delete(look);
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        stop();
        reject(new ZellError('cancelled', 'The request was cancelled.'));
      };
      const look = (): void => {
        if (!test()) return;
        stop();
        resolve();
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(look);
      look();
    });
  }

  #changed(): void {
    for (const look of [...this.#waiters]) look();
    for (const listener of this.#listeners) listener();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

const NEVER = new AbortController().signal;

/** `work`, or `cancelled` as soon as `signal` aborts; `work` itself goes on. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new ZellError('cancelled', 'The call was cancelled.'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The end of a request that was cancelled while the engine was starting. */
const NEVER_RAN: GenerateEvent = {
  type: 'done',
  finish: 'cancelled',
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  truncatedTokens: 0,
  timings: { queuedMs: 0, promptMs: 0, decodeMs: 0 },
};
