/** What the routes need from the rest of the host. `host/composition.ts` passes the real parts, tests pass plain objects. */
import type { EngineCalls, EngineMethod, EngineStats, Restraint } from '#protocol/engine.ts';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { HostState, ModelChoice } from '#protocol/editor.ts';
import type { EventOrigin } from '#protocol/memory.ts';
import type { BlobStore } from '../models/blobStore.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';
import type { ModelHold } from '../models/modelService.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import type { TemplateMessage } from '../templates/types.ts';

export interface ApiEngine {
  readonly state: HostState;
  /**
   * Runs one request: `accepted`, deltas, then `done` or `failed`. Never throws for engine failures (a crash is `failed` with
   * `engine_crashed`); ends after the last event. Abort: the sequence is gone from the next step.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>;
  /** @throws {ZellError} */
  call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal: AbortSignal,
    onProgress?: (fraction: number) => void,
  ): Promise<EngineCalls[M]['result']>;
  /** Newest counters; zeros before the engine is up. */
  stats(): EngineStats;
}

export interface ApiModels {
  /** The loaded model, if any. */
  current(): ModelInfo | undefined;
  /**
   * The loaded model for a request that names `name` (undefined, empty, an unknown alias such as `gpt-4o` or `claude-*`: the
   * loaded or default one; a name or path that exists here: that one, loaded first).
   * @throws {ZellError} model_not_found, out_of_memory, engine_starting …
   */
  ensure(name: string | undefined, signal: AbortSignal): Promise<ModelInfo>;
  /** As `ensure`; the model stays loaded until it is released, however many ask for another one. */
  acquire(name: string | undefined, signal: AbortSignal): Promise<ModelHold>;
  /** Unloads the model of this file, if it is the loaded one, once nobody uses it. */
  release(path: string, signal: AbortSignal): Promise<void>;
  /** When the loaded model goes if nobody uses it; undefined: it stays. */
  readonly expiresAt: Date | undefined;
  list(signal: AbortSignal): Promise<readonly ModelChoice[]>;
}

/** What Ollama's clients may do to the models of this disk; `ModelLibrary` is the real one. */
export type ApiLibrary = Pick<ModelLibrary, 'find' | 'pull' | 'checkPullable' | 'create' | 'copy' | 'remove'> & {
  readonly blobs: Pick<BlobStore, 'find' | 'put'>;
};

/** A message, with the calls that were made in it and the results that came back. */
export type ChatMessage = TemplateMessage;

/** One finished (or stopped) chat or completion call, as the memory gets it. */
export interface Exchange {
  readonly model: string;
  /** The whole history that the client sent, oldest first; the recorder finds out what is new. */
  readonly messages: readonly ChatMessage[];
  readonly response: string;
  readonly tokens: number;
  readonly origin: EventOrigin;
  /** The client went away or stopped it before the answer was complete. */
  readonly stopped?: boolean;
  /** False: the client wants it recorded and never learnt. */
  readonly learn?: boolean;
}

export interface ApiRecorder {
  /**
   * Whether these texts may lie on the disk as they are, in whatever form: exchanges are recorded, and no secret was found. Never
   * throws; absent: they may not.
   */
  mayKeep?(texts: readonly string[]): Promise<boolean>;
  /** Memories that fit a question, as a text for the model, with their ids; undefined when none does. Never throws. Absent: there are none. */
  recall?(asked: {
    readonly question: string;
    /** What the user said before in this conversation. */
    readonly said: readonly string[];
    readonly workspace?: string;
    /** Hash of the model, when the adapter that it learnt itself answers. */
    readonly model?: string;
  }): Promise<{ readonly text: string; readonly cards: readonly { readonly id: string }[] } | undefined>;
  /** Queues it; returns at once and never throws. */
  exchange(exchange: Exchange): void;
}

export interface ApiDeps {
  readonly engine: ApiEngine;
  readonly models: ApiModels;
  /** What keeps the engine from its full speed now. Absent: nothing ever does. */
  readonly restraint?: () => Restraint | undefined;
  readonly library: ApiLibrary;
  readonly recorder: ApiRecorder;
  readonly identity: { readonly version: string; readonly instance: string; readonly startedAt: number };
  /** When set, every request needs it (or `token`), except `/` and `/health`. Absent when only loopback is bound. */
  readonly apiKey?: string;
  /** Bearer token of engine.json: opens what only our own clients may do. */
  readonly token: string;
  /** Renders chat templates. Absent: the routes make their own and close it with the server. */
  readonly templates?: ChatTemplates;
  /** Names besides localhost, 127.0.0.1 and [::1] that a `Host` header may carry, without port. */
  readonly allowedHosts?: readonly string[];
  /** Web origins (`https://example.org`) that may call from a browser. None by default. */
  readonly allowedOrigins?: readonly string[];
  /** How long a stream may be silent before it gives a sign of life, ms. Default 8000. */
  readonly heartbeatMs?: number;
  /** How long a client may take to send a body; default five minutes. */
  readonly bodyMs?: number;
  /** Told about bugs (answered with 500). Never gets prompt or reply text. */
  readonly onBug?: (error: unknown, route: string) => void;
}
