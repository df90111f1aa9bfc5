/** The host program: arguments in, signals handled, news to the starter, exit code out. */
import type { Announcement } from '#protocol/announcement.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { toWireError } from '#protocol/errors.ts';
import { realFactories } from './composition.ts';
import type { Host } from './host.ts';
import type { HostFactories, HostOptions } from './hostParts.ts';
import {
  parseDraft,
  parseThrottle,
  parseHostArguments,
  parseKvType,
  parseMemoryLimit,
  parseWeights,
  type HostArguments,
} from './hostArguments.ts';
import { zellPaths } from './paths.ts';
import type { HostNews } from './spawnHost.ts';
import { startHost } from './startHost.ts';
import { VERSION } from './version.ts';

/** @returns the exit code: 0 also when another host serves already */
export async function runHostProgram(argv: readonly string[]): Promise<number> {
  try {
    const given = parseHostArguments(argv, process.env);
    const started = await startHost(hostOptions(given), realFactories());
    if (started.kind === 'joined') {
      tell({ type: 'joined', announcement: started.announcement });
      return 0;
    }
    const { host } = started;
    endOnSignals(host);
    tell({
      type: 'open',
      announcement: host.announcement,
      ...(host.note === undefined ? {} : { note: host.note }),
    });
    // An editor wants the model at once; a command names its own.
    if (given.lifetime !== 'command') host.preload(given.model).catch(() => undefined);
    await host.ended;
    return 0;
  } catch (error) {
    tell({ type: 'failed', error: toWireError(error) });
    throw error;
  }
}

export interface ServeEvents {
  /** Somebody serves already; this process has nothing to do. */
  readonly onJoined: (other: Announcement) => void;
  /** The port is open; the model is not there yet. */
  readonly onOpen: (host: Host) => void;
  readonly onReady: (model: ModelInfo) => void;
}

/**
 * The host in this process, for `zell serve`.
 * @throws {ZellError} also when its model cannot be loaded
 */
export async function serveHere(given: HostArguments, events: ServeEvents, make?: HostFactories): Promise<void> {
  const started = await startHost(hostOptions(given), make ?? realFactories());
  if (started.kind === 'joined') {
    events.onJoined(started.announcement);
    return;
  }
  const { host } = started;
  endOnSignals(host);
  events.onOpen(host);
  try {
    const model = await host.preload(given.model);
    for (const adapter of given.adapters ?? []) await host.loadAdapter(adapter);
    events.onReady(model);
  } catch (error) {
    const endedByUser = host.stopping;
    await host.stop('no model');
    if (!endedByUser) throw error;
  }
  await host.ended;
}

function hostOptions(given: HostArguments): HostOptions {
  const throttle = process.env['ZELL_THROTTLE'] ?? '';
  return {
    paths: zellPaths(),
    lifetime: given.lifetime,
    host: given.host,
    ...(given.port === undefined ? {} : { port: given.port }),
    ...(given.apiKey === undefined ? {} : { apiKey: given.apiKey }),
    // Adapters that the user names answer alone.
    ...((given.adapters ?? []).length === 0 ? {} : { ownAdapter: false }),
    load: loadOptions(process.env, given, zellPaths().prefixes),
    // Empty as when it is absent: the editor passes what it is set to.
    ...(throttle === '' ? {} : { throttle: parseThrottle(throttle) }),
    version: VERSION,
  };
}

/** Of keys and values on the disk, unless `ZELL_PREFIX_DISK_MB` says otherwise. */
const PREFIX_DISK_MB = 4096;

/**
 * `ZELL_THREADS` sets the compute threads, `ZELL_KV_TYPE`, `ZELL_WEIGHTS`, `ZELL_DRAFT` and `ZELL_MEMORY_LIMIT` what `--kv-type`,
 * `--weights`, `--draft` and `--memory-limit` do not, `ZELL_PREFIX_DISK_MB` how much of the disk known prefixes may take (0: none).
 */
function loadOptions(
  env: Readonly<Record<string, string | undefined>>,
  given: Pick<HostArguments, 'kvType' | 'weights' | 'draft' | 'memoryLimit'>,
  folder: string,
): HostOptions['load'] {
  const threads = Number(env['ZELL_THREADS'] ?? '');
  const wished = env['ZELL_KV_TYPE'] ?? '';
  const kvType = given.kvType ?? (wished === '' ? undefined : parseKvType(wished, 'ZELL_KV_TYPE'));
  const placement = env['ZELL_WEIGHTS'] ?? '';
  const weights = given.weights ?? (placement === '' ? undefined : parseWeights(placement, 'ZELL_WEIGHTS'));
  const drafting = env['ZELL_DRAFT'] ?? '';
  const draft = given.draft ?? (drafting === '' ? undefined : parseDraft(drafting, 'ZELL_DRAFT'));
  const limit = env['ZELL_MEMORY_LIMIT'] ?? '';
  const memoryLimit = given.memoryLimit ?? (limit === '' ? undefined : parseMemoryLimit(limit, 'ZELL_MEMORY_LIMIT'));
  return {
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    ...(Number.isInteger(threads) && threads > 0 ? { threads } : {}),
    ...(kvType === undefined ? {} : { kvType }),
    ...(weights === undefined ? {} : { weights }),
    ...(draft === undefined ? {} : { draft }),
    prefixes: { folder, maxBytes: prefixMegabytes(env['ZELL_PREFIX_DISK_MB']) * 1024 * 1024 },
  };
}

function prefixMegabytes(wished: string | undefined): number {
  const megabytes = Number(wished);
  return wished === undefined || wished === '' || !(megabytes >= 0) ? PREFIX_DISK_MB : megabytes;
}

function endOnSignals(host: Host): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      void host.stop(signal);
    });
  }
}

/** Only a starter that opened a channel hears it. */
function tell(news: HostNews): void {
  if (process.send === undefined || !process.connected) return;
  process.send(news, () => {
    if (process.connected) process.disconnect();
  });
}
