/** Keeps this window connected to the one engine-host: finds or starts it, reconnects when it goes, tells everybody its state. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Announcement } from '#protocol/announcement.ts';
import type { EditorMethod, EditorNotifications, EditorRequests, HostStatus } from '#protocol/editor.ts';
import { ZellError } from '#protocol/errors.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { EngineView } from '../../core/engineView.ts';
import { describeError, type Log } from '../log.ts';
import { EditorConnection } from './editorConnection.ts';
import { findCurrentHost, findOrStartHost, type HostProgram } from './hostLauncher.ts';
import { openEditorSocket } from './socketTransport.ts';

/** After so many failures in a row we wait for the user. */
const MAX_FAILURES = 5;
/** The host closes with these when it was told to stop: then nobody starts it again behind the user's back. */
const STOPPED_CODES = new Set([1000, 1001]);
/** A newer host may take over meanwhile. */
const TAKE_OVER_MS = 3000;
/** A connection that lived this long was a good one. */
const STABLE_MS = 10_000;

export class EngineService implements vscode.Disposable {
  readonly #viewChanged = new vscode.EventEmitter<EngineView>();
  readonly #memoryChanged = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#viewChanged.event;
  readonly onDidChangeMemory = this.#memoryChanged.event;
  readonly #program: () => HostProgram;
  readonly #log: Log;
  readonly #ended = new AbortController();
  #provider: vscode.InlineCompletionItemProvider = { provideInlineCompletionItems: () => undefined };
  #view: EngineView = { kind: 'stopped' };
  #connection: EditorConnection | undefined;
  #announcement: Announcement | undefined;
  #wake: AbortController | undefined;
  #running = false;

  constructor(program: () => HostProgram, log: Log) {
    this.#program = program;
    this.#log = log;
  }

  get view(): EngineView {
    return this.#view;
  }

  get status(): HostStatus | undefined {
    return this.#view.kind === 'connected' ? this.#view.status : undefined;
  }

  /** Answers inline-completion requests while a connection lives. Call before `start`. */
  useCompletionProvider(provider: vscode.InlineCompletionItemProvider): void {
    this.#provider = provider;
  }

  /** Starts or joins the host; at once when it was waiting to try again. Never rejects: the outcome is the view. */
  start(): void {
    this.#wake?.abort();
    if (this.#running || this.#ended.signal.aborted) return;
    this.#running = true;
    void this.#keepConnected().finally(() => {
      this.#running = false;
    });
  }

  /** A new engine child; when there is no host, a new host. */
  async restart(): Promise<void> {
    if (this.#connection) await this.request('zell/engine/restart', {});
    else this.start();
  }

  /**
   * Where the host is, for HTTP. Starts it when it is not running.
   * @throws {ZellError} engine_starting when it is not there within the limit, cancelled.
   */
  async address(signal: AbortSignal): Promise<Announcement> {
    this.start();
    if (!this.#connection) await this.#untilConnected(signal);
    if (!this.#announcement) throw new ZellError('engine_starting', 'The engine is not running.');
    return this.#announcement;
  }

  /** @throws {ZellError} engine_starting without a connection; the host's error. */
  async request<M extends EditorMethod>(
    method: M,
    params: EditorRequests[M]['params'],
    signal?: AbortSignal,
  ): Promise<EditorRequests[M]['result']> {
    return (await this.requestRaw(method, params, signal)) as EditorRequests[M]['result'];
  }

  /** For methods of LSP. @throws as `request` */
  async requestRaw(method: string, params: unknown, signal?: AbortSignal): Promise<unknown> {
    if (!this.#connection) throw new ZellError('engine_starting', 'The engine is not running yet.');
    return this.#connection.request(method, params, signal);
  }

  /** Lost when there is no connection: notifications are hints. */
  notify<M extends keyof EditorNotifications>(method: M, params: EditorNotifications[M]): void {
    this.#connection?.notify(method, params).catch((error: unknown) => {
      this.#log.debug(`${method}: ${describeError(error)}`);
    });
  }

  dispose(): void {
    this.#ended.abort();
    this.#wake?.abort();
    this.#viewChanged.dispose();
    this.#memoryChanged.dispose();
  }

  async #keepConnected(): Promise<void> {
    const ended = this.#ended.signal;
    let failures = 0;
    for (;;) {
      const startedAt = Date.now();
      try {
        const closeCode = await this.#connectOnce(ended);
        // A host that dies soon after every start must not be started in a tight loop.
        failures = Date.now() - startedAt > STABLE_MS ? 0 : failures + 1;
        if (ended.aborted) return;
        this.#log.info(`Connection to the engine closed (${closeCode}).`);
        if (STOPPED_CODES.has(closeCode) && !(await this.#successor(ended))) {
          this.#set({ kind: 'stopped' });
          return;
        }
        if (failures > 1) await this.#pause(backoffMs(failures), ended);
      } catch (error) {
        if (ended.aborted) return;
        failures++;
        this.#log.error(`Engine: ${describeError(error)}`);
        this.#set({ kind: 'failed', message: messageOf(error) });
        if (failures >= MAX_FAILURES) return;
        await this.#pause(backoffMs(failures), ended);
      }
    }
  }

  /** One life of a connection; resolves with the close code. @throws {ZellError} when it cannot be made. */
  async #connectOnce(ended: AbortSignal): Promise<number> {
    const program = this.#program();
    this.#set({ kind: 'starting', detail: 'Looking for the engine.' });
    const running = await findCurrentHost(program, ended);
    if (!running) this.#set({ kind: 'starting', detail: 'Starting the engine.' });
    const announcement = running ?? (await findOrStartHost(program, ended));
    const socket = await openEditorSocket(announcement, ended);
    const connection = new EditorConnection(socket, this.#log, this.#provider);
    const stop = (): void => {
      void connection.dispose().catch(() => undefined);
    };
    ended.addEventListener('abort', stop, { once: true });
    try {
      connection.onNotification('zell/status', (status) => {
        this.#set({ kind: 'connected', status: status as HostStatus });
      });
      connection.onNotification('zell/memory/changed', () => {
        this.#memoryChanged.fire();
      });
      await Promise.race([connection.start(), connection.closed.then(closedEarly)]);
      const status = (await connection.request('zell/status/get', {}, ended)) as HostStatus;
      this.#log.info(`Joined engine ${announcement.version}, process ${announcement.pid}, port ${announcement.port}.`);
      this.#announcement = announcement;
      this.#connection = connection;
      this.#set({ kind: 'connected', status });
      return await connection.closed;
    } finally {
      this.#connection = undefined;
      this.#announcement = undefined;
      ended.removeEventListener('abort', stop);
      await connection.dispose().catch(() => undefined);
    }
  }

  /** True when another host announces itself soon after ours said good-bye. */
  async #successor(ended: AbortSignal): Promise<boolean> {
    const program = this.#program();
    const deadline = Date.now() + TAKE_OVER_MS;
    this.#set({ kind: 'starting', detail: 'The engine ended. Looking for its successor.' });
    while (Date.now() < deadline) {
      if (await findCurrentHost(program, ended)) return true;
      if (await this.#pause(250, ended)) return true;
    }
    return false;
  }

  /** Waits; true when `start` was called meanwhile. */
  async #pause(ms: number, ended: AbortSignal): Promise<boolean> {
    const wake = (this.#wake = new AbortController());
    try {
      await sleep(ms, undefined, { signal: AbortSignal.any([ended, wake.signal]) });
      return false;
    } catch {
      return wake.signal.aborted;
    } finally {
      if (this.#wake === wake) this.#wake = undefined;
    }
  }

  #untilConnected(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: ZellError): void => {
        listener.dispose();
        signal.removeEventListener('abort', abort);
        if (error) reject(error);
        else resolve();
      };
      const abort = (): void => {
        finish(new ZellError('cancelled', 'Cancelled.'));
      };
      const listener = this.onDidChange((view) => {
        if (view.kind === 'connected' && this.#connection) finish();
        else if (view.kind === 'failed') finish(new ZellError('engine_starting', view.message));
      });
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  #set(view: EngineView): void {
    if (this.#ended.signal.aborted) return;
    this.#view = view;
    this.#viewChanged.fire(view);
  }
}

function closedEarly(code: number): never {
  throw new ZellError('engine_crashed', `The engine closed the connection at once (${code}).`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
