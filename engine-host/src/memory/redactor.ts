/** Redaction as a service: a worker thread with a time limit. Fails closed: no answer means nothing is written. */
import { Worker } from 'node:worker_threads';
import { ZellError } from '#protocol/errors.ts';
import type { Redacted } from './redact.ts';
import type { RedactionAnswer, RedactionJob } from './redactionWorker.ts';

/** Seconds are plenty: a megabyte takes some tens of milliseconds. */
const LIMIT_MS = 10_000;
const MEMORY_MB = 256;

export interface Redactor {
  /** @throws {ZellError} when a detector failed or took too long */
  redact(texts: readonly string[]): Promise<readonly Redacted[]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (redacted: readonly Redacted[]) => void;
  readonly reject: (error: ZellError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Starts its worker at the first text. `entry`: the bundled worker beside the host. */
export class WorkerRedactor implements Redactor {
  readonly #entry: URL | string;
  readonly #key: Uint8Array;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 1;

  constructor(entry: URL | string, key: Uint8Array) {
    this.#entry = entry;
    this.#key = key;
  }

  redact(texts: readonly string[]): Promise<readonly Redacted[]> {
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('The search for secrets took too long.'), LIMIT_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      worker.ref();
      worker.postMessage({ id, texts } satisfies RedactionJob);
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#fail('The memory is closed.');
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#entry, {
      workerData: { key: this.#key },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    worker.on('message', (answer: RedactionAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      if (waiting === undefined) return;
      clearTimeout(waiting.timer);
      this.#waiting.delete(answer.id);
      // An idle worker must not keep the process alive.
      if (this.#waiting.size === 0) worker.unref();
      if ('redacted' in answer) waiting.resolve(answer.redacted);
      else waiting.reject(new ZellError('internal', `The search for secrets failed (${answer.failed}).`));
    });
    const gone = (): void => {
      if (this.#worker === worker) this.#fail('The search for secrets ended unexpectedly.');
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    return worker;
  }

  /** Gives up on the worker and everything that waits for it; the next text starts a new one. */
  #fail(message: string): void {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new ZellError('internal', `${message} Nothing was recorded.`));
    }
    this.#waiting.clear();
    void worker?.terminate();
  }
}
