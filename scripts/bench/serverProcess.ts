// The servers that the server suite measures: the product's own host process, and llama-server from the oracle's sources.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAnnouncement, type Announcement } from '#protocol/announcement.ts';
import { ROOT } from '../lib/setup.mjs';

const START_MS = 60_000;
const STOP_MS = 5000;

/** Slots, and tokens of each: the model's own context. */
const SLOTS = 4;
const SLOT_TOKENS = 8192;

export interface Server {
  /** `ours` or `llama-server`. */
  readonly name: string;
  readonly port: number;
  /** The process that speaks HTTP; for llama-server also the one that computes. */
  readonly pid: number;
  /** What the host announces; ours only. */
  readonly announcement?: Announcement;
  stop(): Promise<void>;
}

/** The host process as an editor starts it, in a home of its own that stays after `stop`. */
export async function startOurs(model: string, threads: number, home: string): Promise<Server> {
  mkdirSync(home, { recursive: true });
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ZELL_') || name === 'ZELL_ISA');
  const args = [path.join(ROOT, 'dist/host.mjs'), '--lifetime', 'keep', '--port', '0', '--model', model];
  const child = spawn(process.execPath, args, {
    env: { ...Object.fromEntries(inherited), ZELL_HOME: home, ZELL_THREADS: String(threads) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pid = pidOf(child, 'The host');
  let announcement: Announcement | undefined;
  await ready(child, 'The host', async () => {
    announcement ??= announced(path.join(home, 'engine.json'), pid);
    return announcement !== undefined && (await healthy(announcement.port, true));
  });
  if (announcement === undefined) throw new Error('The host is not announced.');
  return { name: 'ours', port: announcement.port, pid, announcement, stop: () => stop(child) };
}

/** Four slots, flash attention; its prompt cache and continuous batching are on by themselves. */
export async function startLlamaServer(program: string, model: string, threads: number): Promise<Server> {
  const port = await freePort();
  const flags = ['-t', threads, '-tb', threads, '-np', SLOTS, '-c', SLOTS * SLOT_TOKENS, '-fa', 'on'].map(String);
  const args = ['-m', model, '--host', '127.0.0.1', '--port', String(port), ...flags, '--no-webui', '-lv', '0'];
  const child = spawn(program, args, { stdio: 'ignore' });
  const pid = pidOf(child, 'llama-server');
  await ready(child, 'llama-server', () => healthy(port, false));
  return { name: 'llama-server', port, pid, stop: () => stop(child) };
}

export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}

/** Nanoseconds that all threads of a process have computed; undefined where the system does not say. */
export function cpuNanoseconds(pid: number): number | undefined {
  try {
    const folder = `/proc/${pid}/task`;
    return readdirSync(folder)
      .map((thread) => Number(readFileSync(path.join(folder, thread, 'schedstat'), 'utf8').split(' ')[0]))
      .reduce((sum, ns) => sum + ns, 0);
  } catch {
    return undefined;
  }
}

function pidOf(child: ChildProcess, name: string): number {
  if (child.pid === undefined) throw new Error(`${name} could not be started.`);
  return child.pid;
}

async function ready(child: ChildProcess, name: string, isReady: () => Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await isReady())) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode ?? ''}.`);
    if (performance.now() - started > START_MS) {
      child.kill('SIGKILL');
      throw new Error(`${name} was not ready in time.`);
    }
    await sleep(20);
  }
}

function announced(file: string, pid: number): Announcement | undefined {
  try {
    const found = parseAnnouncement(readFileSync(file, 'utf8'));
    return found?.pid === pid ? found : undefined;
  } catch {
    return undefined;
  }
}

/** @param namesModel the answer must name the model that is loaded */
async function healthy(port: number, namesModel: boolean): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'close' } });
    const body = (await response.json()) as { model?: string | null };
    return response.ok && (!namesModel || typeof body.model === 'string');
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(timer);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('No free port.'));
      });
    });
  });
}
