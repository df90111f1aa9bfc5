/**
 * The process in which templates run. A process and not a thread: a thread's heap limit does not hold against one large allocation
 * (`range(10000000)` aborts the whole program), a process' does.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { processorMs } from './processorMs.ts';
import type { RenderJob, RenderReply } from './types.ts';

/** Loading the program; a slow disk is no fault of the template. */
const START_MS = 20_000;
/** How many times a job's limit may go by while a busy machine gives the process less than that of a processor. */
const PATIENCE = 40;

/** Why there is no reply. */
export type NoReply = 'it took too long' | 'it ran out of memory or crashed';

export class TemplateProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  #alive = true;

  constructor(program: URL, heapMb: number) {
    this.#child = fork(fileURLToPath(program), [], {
      execArgv: [
        `--max-old-space-size=${heapMb}`,
        '--max-semi-space-size=8',
        ...(program.pathname.endsWith('.ts') ? ['--import', 'tsx'] : []),
      ],
      env: process.env['ELECTRON_RUN_AS_NODE'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('its process did not start in time')), START_MS);
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#child.once('message', () => settle());
      this.#child.once('error', (error) => settle(error));
      this.#child.once('exit', () => settle(new Error('its process ended at once')));
    });
    this.#ready.catch(() => undefined);
    this.#child.on('error', () => undefined);
    this.#child.once('exit', () => (this.#alive = false));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Resolves when the program runs. @throws Error */
  ready(): Promise<void> {
    this.#hold(true);
    return this.#ready;
  }

  /**
   * Sends one job; one at a time. `limitMs` is processor time where the system tells it (Linux), at most 40 times as long by the clock;
   * elsewhere it is time by the clock.
   */
  ask(job: RenderJob, limitMs: number): Promise<RenderReply | NoReply> {
    return new Promise((resolve) => {
      const finish = (outcome: RenderReply | NoReply): void => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        this.#hold(false);
        resolve(outcome);
      };
      const onMessage = (message: unknown): void => {
        const reply = message as RenderReply;
        if (reply.id === job.id) finish(reply);
      };
      const onExit = (): void => finish('it ran out of memory or crashed');
      const used = (): number | undefined => processorMs(this.pid ?? 0);
      const before = used();
      let left = PATIENCE;
      const overrun = (): void => {
        const after = used();
        const spent = before === undefined || after === undefined ? limitMs : after - before;
        if (spent >= limitMs || left-- === 0) finish('it took too long');
        else timer = setTimeout(overrun, limitMs - spent);
      };
      let timer = setTimeout(overrun, limitMs);
      this.#child.on('message', onMessage);
      this.#child.once('exit', onExit);
      if (this.#alive) this.#child.send(job, (error) => (error === null ? undefined : onExit()));
      else onExit();
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Whether the child keeps this process from ending. */
  #hold(hold: boolean): void {
    if (hold) {
      this.#child.ref();
      this.#child.channel?.ref();
    } else {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }
}
