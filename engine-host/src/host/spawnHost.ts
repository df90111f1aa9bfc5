/** Starts a host as a process of its own and waits until it can be talked to. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Announcement } from '#protocol/announcement.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import { distFolder } from './distFolder.ts';
import type { Lifetime } from './leases.ts';

/** What the host process says to its starter, over Node's IPC channel: exactly one of these, then it hangs up. */
export type HostNews =
  | { readonly type: 'open' | 'joined'; readonly announcement: Announcement; readonly note?: string }
  | { readonly type: 'failed'; readonly error: WireError };

const START_MS = 30_000;

export interface Spawned {
  readonly announcement: Announcement;
  readonly note?: string;
}

/**
 * The process is detached: it outlives its starter for as long as somebody holds a lease.
 * @throws {ZellError} what the host says, or engine_crashed when it ends without a word
 */
export function spawnHost(lifetime: Lifetime, signal: AbortSignal): Promise<Spawned> {
  const child = spawn(process.execPath, [path.join(distFolder(), 'host.mjs'), '--lifetime', lifetime], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    windowsHide: true,
  });
  return new Promise<Spawned>((resolve, reject) => {
    const timer = setTimeout(
      () => fail(new ZellError('timeout', 'The engine did not start in time. See engine.log in the Zell home.')),
      START_MS,
    );
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      child.removeAllListeners();
      // The starter may end: neither the channel nor the child holds it.
      if (child.connected) child.disconnect();
      child.unref();
    };
    const fail = (error: Error): void => {
      settle();
      child.on('error', () => undefined);
      child.kill();
      reject(error);
    };
    const cancel = (): void => fail(new ZellError('cancelled', 'Cancelled.'));
    signal.addEventListener('abort', cancel, { once: true });
    child.once('message', (message) => {
      const news = message as HostNews;
      if (news.type === 'failed') {
        fail(ZellError.fromWire(news.error));
        return;
      }
      settle();
      resolve({ announcement: news.announcement, ...(news.note === undefined ? {} : { note: news.note }) });
    });
    child.once('error', (error) => fail(new ZellError('io', `The engine cannot be started: ${error.message}`)));
    child.once('exit', (code, by) =>
      fail(new ZellError('engine_crashed', `The engine ended at its start (${String(by ?? code)}). See engine.log.`)),
    );
  });
}
