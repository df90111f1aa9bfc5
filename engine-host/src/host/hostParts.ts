/** What a host is told and what it is made of. */
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { Announcement } from '#protocol/announcement.ts';
import type { LoadOptions } from '#protocol/model.ts';
import type { ApiDeps } from '../api/deps.ts';
import type { MachineReader } from '../monitor/machineState.ts';
import type { ThrottleWish } from '../monitor/restraint.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import type { TrainerOpener } from '../training/nativeTrainer.ts';
import type { HostEngine } from './hostEngine.ts';
import type { Lifetime } from './leases.ts';
import type { MemoryPort } from './memoryPort.ts';
import type { OsLock } from './osLock.ts';
import type { ZellPaths } from './paths.ts';

export interface HostOptions {
  readonly paths: ZellPaths;
  readonly lifetime: Lifetime;
  readonly host: string;
  /** Absent: the default port or one of the next. */
  readonly port?: number;
  readonly apiKey?: string;
  readonly load: LoadOptions;
  /** When the engine gives way to heat and power. Absent: auto. */
  readonly throttle?: ThrottleWish;
  /** False: the adapter that the model learnt is not used, because the user named others. */
  readonly ownAdapter?: boolean;
  readonly version: string;
}

/** The HTTP application: the part of Fastify that the host uses. */
export interface HttpFront {
  readonly server: Server;
  ready(): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
}

/** What the host is made of; `composition.ts` gives the real ones. */
export interface HostFactories {
  readonly lock: OsLock;
  readonly log: (file: string) => Logger;
  readonly engine: (log: Logger) => HostEngine;
  readonly memory: (paths: ZellPaths, log: Logger) => Promise<MemoryPort>;
  /** Absent: the routes make their own. */
  readonly templates?: () => ChatTemplates;
  readonly api: (deps: ApiDeps) => HttpFront;
  readonly requestDrain: (other: Announcement) => Promise<void>;
  /** What reads this machine. Absent: nothing restrains the engine, and nothing is learnt. */
  readonly machine?: (paths: ZellPaths) => MachineReader;
  /** What trains. Absent: nothing is learnt. */
  readonly trainer?: () => TrainerOpener;
}
