/** Finds the host that runs: its announcement counts only when the process behind it answers with the same instance. */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { parseAnnouncement, type Announcement } from '#protocol/announcement.ts';

const ANNOUNCEMENT = 'engine.json';
const PROBE_MS = 2000;
const MAX_ANSWER = 64 * 1024;

/** The host of this Zell home, or undefined when none answers. Never rejects, but for the signal. */
export async function findRunningHost(home: string, signal: AbortSignal): Promise<Announcement | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(home, ANNOUNCEMENT), 'utf8');
  } catch {
    return undefined;
  }
  const announcement = parseAnnouncement(text);
  if (!announcement) return undefined;
  const instance = await instanceAt(announcement, signal);
  return instance === announcement.instance ? announcement : undefined;
}

/** Address to connect to: a host that listens everywhere is reached through loopback. */
export function addressOf({ host, port }: Announcement): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

async function instanceAt(announcement: Announcement, signal: AbortSignal): Promise<string | undefined> {
  try {
    const body = await get(`http://${addressOf(announcement)}/api/version`, announcement.token, signal);
    const value = JSON.parse(body) as { zell?: { instance?: unknown } } | null;
    const instance = value?.zell?.instance;
    return typeof instance === 'string' ? instance : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** The token opens a host that is served with an API key; whoever got the port of a dead host learns a dead token. */
function get(url: string, token: string, signal: AbortSignal): Promise<string> {
  const options = {
    signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]),
    headers: { authorization: `Bearer ${token}` },
  };
  return new Promise((resolve, reject) => {
    const request = http.get(url, options, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_ANSWER) response.destroy(new Error('answer too long'));
      });
      response.on('end', () => {
        resolve(body);
      });
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
