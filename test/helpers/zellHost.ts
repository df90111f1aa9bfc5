// A real engine-host from dist/ with a home folder of its own, and the `zell` command in the same home.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseAnnouncement, type Announcement } from '../../protocol/src/announcement.ts';
import { ROOT } from './cache.ts';
import { defaultModel } from './defaultModel.ts';
import { argumentsOf, childrenOf, isRunning, until } from './processes.ts';

export const HOST = path.join(ROOT, 'dist/host.mjs');
export const CLI = path.join(ROOT, 'dist/cli.mjs');

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A throw-away Zell home. Whatever it started is ended by `remove`. */
export class ZellHome {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'zell-test-'));
  readonly env: Environment;
  readonly model: string;
  readonly #started = new Set<ChildProcess>();

  private constructor(model: string) {
    this.model = model;
    // Nothing of the tester's own set-up may decide a test.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(ZELL_|VITEST|NODE_OPTIONS$)/.test(name));
    this.env = { ...Object.fromEntries(inherited), ZELL_HOME: this.folder, ZELL_MODEL_FILE: model };
  }

  static async make(): Promise<ZellHome> {
    return new ZellHome(await defaultModel());
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  announcement(): Announcement | undefined {
    try {
      return parseAnnouncement(readFileSync(this.path('engine.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  spawn(program: string, args: readonly string[], env: Environment = {}): ChildProcess & { pid: number } {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#started.add(child);
    child.once('exit', () => this.#started.delete(child));
    if (child.pid === undefined) throw new Error(`${program} could not be started`);
    return child as ChildProcess & { pid: number };
  }

  /** Runs `zell ARGS` to its end. */
  zell(args: readonly string[], env: Environment = {}): Promise<Ended> {
    return ended(this.spawn(CLI, args, env));
  }

  /** `zell ARGS --json`, which must succeed. */
  async json<T>(args: readonly string[], env: Environment = {}): Promise<T> {
    const { code, stdout, stderr } = await this.zell([...args, '--json'], env);
    if (code !== 0) throw new Error(`zell ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts a host that stays, and waits until its model is loaded. */
  async serve(args: readonly string[] = ['--port', '0'], env: Environment = {}): Promise<RunningHost> {
    const host = new RunningHost(this, this.spawn(HOST, ['--lifetime', 'keep', ...args], env));
    await host.ready();
    return host;
  }

  /** Ends every process of this home, then removes the folder. */
  async remove(): Promise<void> {
    const pids = [...this.#started].map((child) => child.pid ?? 0);
    // A host that a command started is nobody's child.
    const announced = this.announcement()?.pid;
    if (announced !== undefined && isOurs(announced)) pids.push(announced);
    const all = pids.flatMap((pid) => [...childrenOf(pid), pid]);
    for (const pid of all.reverse()) kill(pid, 'SIGTERM');
    const gone = (): boolean => !all.some(isRunning);
    await until('processes end', gone, 5000).catch(() => {
      for (const pid of all) kill(pid, 'SIGKILL');
    });
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class RunningHost {
  readonly home: ZellHome;
  readonly process: ChildProcess & { pid: number };
  readonly ended: Promise<Ended>;

  constructor(home: ZellHome, child: ChildProcess & { pid: number }) {
    this.home = home;
    this.process = child;
    this.ended = ended(child);
  }

  get announcement(): Announcement {
    const found = this.home.announcement();
    if (found?.pid !== this.process.pid) throw new Error('this host is not announced');
    return found;
  }

  get url(): string {
    return `http://127.0.0.1:${this.announcement.port}`;
  }

  /** Process id of the engine child; the only other child is the template worker. */
  get enginePid(): number {
    const engines = childrenOf(this.process.pid).filter((pid) =>
      argumentsOf(pid).some((argument) => path.basename(argument) === 'engine.mjs'),
    );
    const [pid] = engines;
    if (pid === undefined || engines.length > 1) throw new Error(`${engines.length} engines instead of one`);
    return pid;
  }

  async ready(): Promise<void> {
    let over: Ended | undefined;
    void this.ended.then((how) => (over = how));
    await until(
      'the host is ready',
      async () => {
        if (over !== undefined) throw new Error(`the host ended with ${String(over.code)}: ${over.stderr}`);
        if (this.home.announcement()?.pid !== this.process.pid) return false;
        const health = await this.health();
        return health.status === 'ok' && health.model !== null;
      },
      60_000,
    );
  }

  async health(): Promise<{ status: string; model: string | null; queue: { running: number; waiting: number } }> {
    const response = await fetch(`${this.url}/health`);
    return (await response.json()) as Awaited<ReturnType<RunningHost['health']>>;
  }

  async get<T>(route: string): Promise<T> {
    const response = await fetch(this.url + route);
    if (!response.ok) throw new Error(`GET ${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async post<T>(route: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await this.send(route, body, headers);
    if (!response.ok) throw new Error(`POST ${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  send(route: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.url + route, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async stop(): Promise<Ended> {
    this.process.kill('SIGTERM');
    return this.ended;
  }
}

/** Collects a process' output until it ends. */
export function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** An announcement may be stale and its process id somebody else's by now. */
function isOurs(pid: number): boolean {
  return argumentsOf(pid).includes(HOST);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was quicker.
  }
}
