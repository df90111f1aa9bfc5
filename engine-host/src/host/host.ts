/** The running host: its parts, their order of start and end, and its status. */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Announcement } from '#protocol/announcement.ts';
import { toWireError, type WireError } from '#protocol/errors.ts';
import type { HostStatus } from '#protocol/editor.ts';
import type { KeptPrefix } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import { REAL_FILES } from '../monitor/machineFiles.ts';
import { MachineWatch } from '../monitor/machineWatch.ts';
import { machineFacts } from '../profile/machineFacts.ts';
import { ModelProfiles } from '../profile/modelProfiles.ts';
import { fetchModel } from '../models/fetchModel.ts';
import { ModelLibrary, type LibraryParts } from '../models/modelLibrary.ts';
import { ModelService } from '../models/modelService.ts';
import { ModelRegistry } from '../models/registry.ts';
import { removeAnnouncement, urlHost, writeAnnouncement } from './announcement.ts';
import { countedEngine } from './countedEngine.ts';
import { attachEditorSocket, type EditorSocket } from './editorSocket.ts';
import { adapterId, dropAdapter } from './adapterId.ts';
import { buildPrefix } from './buildPrefix.ts';
import type { HostEngine } from './hostEngine.ts';
import type { HostFactories, HostOptions, HttpFront } from './hostParts.ts';
import { hostStatus } from './hostStatus.ts';
import { Leases } from './leases.ts';
import { openPort } from './listen.ts';
import { profileBuilder, type BuildProfile } from './profileBuilder.ts';
import { watchSpeed } from './speedWatch.ts';
import type { MemoryPort } from './memoryPort.ts';
import { MemorySide } from './memorySide.ts';
import { Restrainer } from './restrainer.ts';
import { stackOf } from './stackOf.ts';
import { StatusBoard } from './statusBoard.ts';

/** How long running requests may take to finish when a newer host asks for the place. */
const DRAIN_MS = 30_000;
/** How long clients get to read the end of their answers when the host stops. */
const GOODBYE_MS = 300;

interface Parts {
  readonly log: Logger;
  readonly engine: HostEngine;
  readonly memory: MemoryPort;
}

export class Host {
  readonly ended: Promise<void>;
  readonly #options: HostOptions;
  readonly #parts: Parts;
  readonly #releaseLock: () => void;
  readonly #leases: Leases;
  readonly #models: ModelService;
  readonly #mind: MemorySide;
  readonly #machine: MachineWatch | undefined;
  readonly #restrainer: Restrainer | undefined;
  /** The engine as clients use it. */
  readonly #answering: HostEngine;
  readonly #status: StatusBoard;
  readonly #front: HttpFront;
  readonly #templates: ChatTemplates | undefined;
  readonly #instance = randomBytes(16).toString('hex');
  readonly #token = randomBytes(32).toString('hex');
  #socket: EditorSocket | undefined;
  #announcement: Announcement | undefined;
  #note: string | undefined;
  /** Why no model is loaded although one was asked for. */
  #modelError: WireError | undefined;
  #preloading = false;
  /** While a system prompt or a profile is being built; `progress`: 0–1. */
  #building: { readonly detail: string; readonly progress: number } | undefined;
  readonly #profiles: ModelProfiles;
  readonly #buildProfile: BuildProfile;
  #modelHash: string | undefined;
  #stopping: Promise<void> | undefined;
  #markEnded: () => void = () => undefined;

  static async build(options: HostOptions, make: HostFactories, releaseLock: () => void): Promise<Host> {
    const log = make.log(options.paths.log);
    const memory = await make.memory(options.paths, log);
    return new Host(options, make, { log, memory, engine: make.engine(log) }, releaseLock);
  }

  private constructor(options: HostOptions, make: HostFactories, parts: Parts, releaseLock: () => void) {
    this.#options = options;
    this.#parts = parts;
    this.#releaseLock = releaseLock;
    this.ended = new Promise((resolve) => (this.#markEnded = resolve));
    this.#status = new StatusBoard(() => this.#composeStatus());
    const touch = (): void => this.#status.touch();
    this.#leases = new Leases(options.lifetime, { onIdle: () => void this.stop('idle'), onChange: touch });
    const { engine, memory, log } = parts;
    this.#templates = make.templates?.();
    const reader = make.machine?.(options.paths);
    if (reader !== undefined) {
      this.#machine = new MachineWatch(reader);
      this.#restrainer = new Restrainer({
        ...{ machine: this.#machine, engine, wish: options.throttle ?? 'auto', onChange: () => this.#restrained() },
        now: () => performance.now(),
        onProblem: (error) => log.warn({ error: toWireError(error) }, 'the engine cannot be restrained'),
      });
    }
    this.#mind = new MemorySide({
      ...{ ...parts, make, paths: options.paths, templates: this.#templates, leases: this.#leases },
      machine: this.#machine,
      model: () => this.#models.current(),
      onChange: touch,
    });
    this.#profiles = new ModelProfiles({
      folder: options.paths.profiles,
      machine: () => machineFacts(REAL_FILES, options.load.memoryLimit),
      now: () => Date.now(),
    });
    const registry = new ModelRegistry(options.paths);
    const fetch: LibraryParts['fetch'] = (entry, onProgress, signal) =>
      fetchModel(entry, { registry, folders: options.paths, lock: make.lock, onProgress }, signal);
    this.#models = new ModelService({
      registry,
      engine: {
        get state() {
          return engine.state;
        },
        load: async (path, load, onProgress, signal) => {
          const info = await engine.load(path, await this.#profiles.loadOptions(path, load), onProgress, signal);
          if (options.ownAdapter !== false) await this.#mind.auto.modelLoaded(info.modelHash);
          return info;
        },
        inspect: (path, load, signal) => engine.call('inspect', { path, options: load }, signal),
        unload: async (signal) => {
          await engine.call('unload', {}, signal);
        },
        adapter: (path, signal) => adapterId(engine, path, signal),
      },
      options: options.load,
      fetch,
      onChange: () => this.#modelsChanged(),
    });
    const library = new ModelLibrary({
      registry,
      fetch,
      inspect: (path, signal) => engine.call('inspect', { path, options: options.load }, signal),
      release: (path, signal) => this.#models.release(path, signal),
      releaseAdapter: async (path, signal) => {
        if (this.#models.current() !== undefined) await dropAdapter(engine, path, signal);
      },
    });
    engine.onStatus(touch);
    this.#buildProfile = profileBuilder({
      engine,
      models: this.#models,
      profiles: this.#profiles,
      options: options.load,
      onStep: (step) => this.#show(step),
    });
    watchSpeed(
      engine,
      this.#profiles,
      () => this.#models.current(),
      (error) => log.warn({ error: toWireError(error) }, 'a measured speed is not kept'),
    );
    this.#answering = countedEngine(engine, (requests) => this.#mind.learning?.requests(requests));
    this.#front = make.api({
      engine: this.#answering,
      models: this.#models,
      restraint: () => this.#restrainer?.restraint,
      library,
      recorder: memory,
      ...(this.#templates === undefined ? {} : { templates: this.#templates }),
      identity: { version: options.version, instance: this.#instance, startedAt: Date.now() },
      ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
      token: this.#token,
      onBug: (error, route) => parts.log.error({ route, stack: stackOf(error) }, 'a bug'),
    });
  }

  get announcement(): Announcement {
    if (this.#announcement === undefined) throw new Error('the host is not open yet');
    return this.#announcement;
  }

  /** `http://…` for people. */
  get address(): string {
    return `http://${urlHost(this.announcement.host)}:${this.announcement.port}`;
  }

  /** A sentence about the port, when it is not the usual one. */
  get note(): string | undefined {
    return this.#note;
  }

  /** Opens the port, then announces: whoever reads the announcement finds the host answering. */
  async open(): Promise<void> {
    const { paths, host, port, version } = this.#options;
    const { log, engine, memory } = this.#parts;
    const mind = this.#mind;
    await this.#front.ready();
    const { server } = this.#front;
    server.on('request', (_request, response) => response.once('close', this.#leases.acquire('request')));
    this.#socket = attachEditorSocket(
      server,
      this.#token,
      this.#leases,
      {
        engine: this.#answering,
        models: this.#models,
        memory,
        ...(mind.learning === undefined ? {} : { learning: mind.learning }),
        ...(mind.exchange === undefined ? {} : { exchange: mind.exchange }),
        memoryStatus: () => mind.wholeStatus(),
        adapters: { store: mind.adapters, auto: mind.auto },
        status: this.#status,
        version,
        onMemoryChanged: (listener) => mind.onMemoryChanged(listener),
        buildPrefix: (model, system, signal) => this.#buildPrefix(model, system, signal),
        buildProfile: this.#buildProfile,
        profiles: this.#profiles,
        forgetPrefixes: (signal) => mind.forgetPrefixes(signal),
        stop: (drain) => setTimeout(() => void (drain ? this.#drain() : this.stop('asked to')), 50),
        keep: () => this.#leases.keep(),
      },
      log,
    );
    const listening = await openPort(server, host, port);
    this.#note = listening.note;
    this.#announcement = {
      v: 1,
      pid: process.pid,
      host,
      port: listening.port,
      token: this.#token,
      instance: this.#instance,
      version,
    };
    await mind.open();
    await writeAnnouncement(paths.announcement, this.#announcement);
    this.#leases.start();
    // Not awaited: on some systems a look takes a while.
    void this.#machine?.start();
    mind.startLearning();
    log.info({ host, port: listening.port, version, lifetime: this.#options.lifetime }, 'open');
    // Not awaited: clients see `starting` meanwhile, and a failure is a state of the engine.
    engine.start().catch((error: unknown) => log.error({ error: toWireError(error) }, 'the engine did not start'));
  }

  /**
   * Loads a model before anybody asks; none means the chosen or default one.
   * @throws {ZellError} why it cannot be; the host goes on without a model
   */
  async preload(name: string | undefined): Promise<ModelInfo> {
    this.#preloading = true;
    this.#prepare();
    this.#status.touch();
    try {
      return await this.#models.load(name, AbortSignal.any([]));
    } catch (error) {
      this.#modelError = toWireError(error);
      this.#parts.log.warn({ error: this.#modelError.code }, 'no model was loaded');
      throw error;
    } finally {
      this.#preloading = false;
      this.#status.touch();
    }
  }

  /** A LoRA adapter for the loaded model; `scale` is for requests that name none. @throws {ZellError} */
  async loadAdapter(adapter: { readonly path: string; readonly scale: number }): Promise<void> {
    await this.#parts.engine.call('loadAdapter', { ...adapter }, AbortSignal.any([]));
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Ends everything in the order that loses nothing. Further calls wait for the first. */
  stop(reason: string): Promise<void> {
    this.#stopping ??= this.#stopNow(reason);
    return this.#stopping;
  }

  async #stopNow(reason: string): Promise<void> {
    const { log, engine, memory } = this.#parts;
    log.info({ reason }, 'stop');
    this.#leases.stop();
    const { server } = this.#front;
    // New clients find no host from here on; the lock keeps a successor waiting until everything is written.
    await removeAnnouncement(this.#options.paths.announcement, this.#instance);
    await this.#mind.stopLearning();
    const closed = new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));
    this.#socket?.close();
    this.#status.stop();
    this.#machine?.stop();
    // Open requests end with an error in their own dialect now.
    await engine.stop().catch((error: unknown) => log.error({ error: toWireError(error) }, 'stopping the engine'));
    server.closeIdleConnections();
    const cut = setTimeout(() => server.closeAllConnections(), GOODBYE_MS);
    await closed;
    clearTimeout(cut);
    await this.#front.close();
    this.#templates?.close();
    await memory.close().catch((error: unknown) => log.error({ error: toWireError(error) }, 'closing the memory'));
    log.info('ended');
    this.#releaseLock();
    this.#markEnded();
  }

  /** Lets running requests finish, takes no new ones, then stops. */
  async #drain(): Promise<void> {
    this.#parts.log.info('drain');
    this.#front.server.close();
    await removeAnnouncement(this.#options.paths.announcement, this.#instance);
    const deadline = Date.now() + DRAIN_MS;
    while (this.#leases.count('request') > 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await this.stop('drained');
  }

  #modelsChanged(): void {
    const model = this.#models.current();
    const hash = model?.modelHash;
    if (hash !== this.#modelHash) {
      this.#modelHash = hash;
      this.#modelError = undefined;
      // The memory's figures are those of the model.
      void this.#mind.refresh();
      if (model !== undefined) this.#prepare(model);
    }
    this.#status.touch();
  }

  /** Processes and threads that the first request needs start before it comes. */
  #prepare(model?: ModelInfo): void {
    const { name = '', chatTemplate, bosText = '', eosText = '' } = model ?? {};
    this.#templates?.prepare({ model: name, template: chatTemplate, bosText, eosText });
    this.#parts.memory.prepare?.();
  }

  async #buildPrefix(model: ModelInfo, system: string, signal: AbortSignal): Promise<KeptPrefix> {
    if (this.#templates === undefined) throw new Error('This host has no templates.');
    const progress = (fraction: number): void =>
      this.#show({ detail: 'Evaluating a system prompt', progress: fraction });
    progress(0);
    try {
      return await buildPrefix({ ...this.#parts, templates: this.#templates }, model, system, progress, signal);
    } finally {
      this.#show(undefined);
    }
  }

  #restrained(): void {
    const { duty = 1, reason = 'nothing hinders' } = this.#restrainer?.restraint ?? {};
    this.#parts.log.info({ duty, reason }, 'restraint');
    this.#status.touch();
  }

  /** What the host does besides answering, in its status. */
  #show(step: { readonly detail: string; readonly progress: number } | undefined): void {
    this.#building = step;
    this.#status.touch();
  }

  #composeStatus(): HostStatus {
    const { engine } = this.#parts;
    return hostStatus({
      engine,
      model: this.#models.current(),
      activity: this.#models.activity,
      building: this.#building,
      preloading: this.#preloading,
      modelError: this.#modelError,
      memory: this.#mind.status,
      restraint: this.#restrainer?.restraint,
      version: this.#options.version,
      port: this.#announcement?.port ?? 0,
      leases: this.#leases.count('editor'),
    });
  }
}
