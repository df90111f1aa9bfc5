// Another engine as a contestant: its libraries under native/bench/peer_runner.cc, one process for each loaded model.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { residentBytesOf, type Entrant } from './contestant.ts';

export interface PeerProgram {
  readonly name: string;
  readonly program: string;
  /** A run-time back end that it loads. */
  readonly backend?: string;
}

export function peer({ name, program, backend }: PeerProgram): Entrant {
  return {
    name,
    open: async (load) => {
      const runner = new Runner(name, program, backend);
      await runner.ready();
      if (load.confine !== undefined && runner.pid !== undefined) {
        await runner.ask('plain');
        load.confine(runner.pid);
      }
      const started = performance.now();
      try {
        await runner.ask(`load ${load.threads} ${load.context} ${load.sequences} ${load.kv} ${load.model}`);
      } catch (error) {
        await runner.stop();
        throw error;
      }
      const loadMs = performance.now() - started;
      await runner.ask(`text ${load.text}`);
      const rate = (tokens: number, ms: number): number => (tokens / Math.max(ms, 1e-3)) * 1000;
      return {
        loadMs,
        contestant: {
          name,
          prefill: async (tokens) => rate(tokens, await runner.ask(`prefill ${tokens}`)),
          decode: async (steps, depth, sequences) =>
            rate(steps * sequences, await runner.ask(`decode ${steps} ${depth} ${sequences}`)),
          first: (tokens) => runner.ask(`first ${tokens}`),
          read: async (text) => {
            await runner.ask(`text ${text}`);
          },
          greedy: async (prompt, steps) => rate(steps, await runner.ask(`greedy ${steps} ${prompt.join(' ')}`)),
          residentBytes: () => residentBytesOf(runner.pid),
          stop: () => runner.stop(),
        },
      };
    },
  };
}

class Runner {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (ms: number) => void; reject: (error: Error) => void }[] = [];
  readonly #gone: Promise<void>;
  readonly #greeting: Promise<number>;
  #end: Error | undefined;

  constructor(name: string, program: string, backend: string | undefined) {
    this.#name = name;
    this.#child = spawn(program, backend === undefined ? [] : [backend], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#gone = new Promise((resolve) => this.#child.once('close', () => resolve()));
    const fail = (why: string): void => {
      this.#end = new Error(`${name} ${why}`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
    };
    this.#child.once('error', (error) => fail(`could not be started: ${error.message}`));
    this.#child.once('close', (code, signal) => fail(`ended with ${signal ?? code ?? 'nothing'}`));
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#line(line));
    this.#greeting = this.#answer();
    // Whoever waits for it is told; nobody may be.
    this.#greeting.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async ready(): Promise<void> {
    await this.#greeting;
  }

  /** @returns milliseconds of the work */
  ask(command: string): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    this.#child.stdin?.write(`${command}\n`);
    return this.#answer();
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end('quit\n');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await this.#gone;
    clearTimeout(timer);
  }

  #answer(): Promise<number> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #line(line: string): void {
    // Its libraries may print lines of their own.
    if (!line.startsWith('{')) return;
    const waiting = this.#waiting.shift();
    const answer = JSON.parse(line) as { ms?: number; error?: string };
    if (answer.ms === undefined) waiting?.reject(new Error(`${this.#name}: ${answer.error ?? 'no answer'}`));
    else waiting?.resolve(answer.ms);
  }
}
