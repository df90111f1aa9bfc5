/** `engine.json`: written when the port is open, removed at the end; readers trust it only after the host answered. */
import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, rm } from 'node:fs/promises';
import { parseAnnouncement, type Announcement } from '#protocol/announcement.ts';

/** Atomic: a reader sees the old file, the new one, or none. Mode 0600, since it holds the token. */
export async function writeAnnouncement(file: string, announcement: Announcement): Promise<void> {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(announcement)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (process.platform !== 'win32') await chmod(temporary, 0o600);
  await rename(temporary, file);
}

export async function readAnnouncement(file: string): Promise<Announcement | undefined> {
  try {
    return parseAnnouncement(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Removes the announcement if it is still that of `instance`; a successor's stays. */
export async function removeAnnouncement(file: string, instance: string): Promise<void> {
  const current = await readAnnouncement(file);
  if (current?.instance === instance) await rm(file, { force: true });
}

/** Whether the announced host is alive: it answers on its port with the same instance. */
export async function isAlive(announcement: Announcement, timeoutMs = 1500): Promise<boolean> {
  // A host with an API key answers only who has it or the token. A stranger who got the port learns the token of a dead host.
  const about = await askVersion(announcement.host, announcement.port, timeoutMs, announcement.token);
  return about?.instance === announcement.instance;
}

/** The host that `file` announces, if it is alive. */
export async function findRunning(file: string): Promise<Announcement | undefined> {
  const announcement = await readAnnouncement(file);
  return announcement !== undefined && (await isAlive(announcement)) ? announcement : undefined;
}

export interface VersionAnswer {
  readonly version: string;
  /** Absent when it is not Zell that answers. */
  readonly instance?: string;
}

/** `GET /api/version` of whoever listens there; undefined when nobody answers in that form. */
export async function askVersion(
  host: string,
  port: number,
  timeoutMs: number,
  token?: string,
): Promise<VersionAnswer | undefined> {
  try {
    const response = await fetch(`http://${urlHost(host)}:${port}/api/version`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
    const body = (await response.json()) as { version?: unknown; zell?: { instance?: unknown } } | null;
    if (typeof body?.version !== 'string') return undefined;
    const instance = body.zell?.instance;
    return typeof instance === 'string' ? { version: body.version, instance } : { version: body.version };
  } catch {
    return undefined;
  }
}

/** The address to connect to for a bound host: wildcards are reached over loopback, IPv6 gets its brackets. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
