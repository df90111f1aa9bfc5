/** Renders chat templates in a process of their own, with limits on time, memory and output. */
import { createHash, randomBytes } from 'node:crypto';
import { ZellError } from '#protocol/errors.ts';
import { CHATML } from './fallback.ts';
import { TemplateProcess } from './templateProcess.ts';
import type { RenderedPrompt, RenderJob, TemplateExtras, TemplateMessage, TemplateSource } from './types.ts';

export interface TemplateLimits {
  /** Time for one render, ms; a millisecond more for each 16 KiB of messages. */
  readonly renderMs: number;
  /** Time for parsing and probing a template that is new to the process, ms; on top of the first render. */
  readonly parseMs: number;
  /** Heap of the process, MiB. */
  readonly heapMb: number;
  /** Characters that a template may add to what the messages hold (twice). */
  readonly outputChars: number;
}
const DEFAULT_LIMITS: TemplateLimits = { renderMs: 250, parseMs: 2000, heapMb: 64, outputChars: 1024 * 1024 };
/** More than any context holds, and what a render of 64 MiB of heap still manages (measured: 8 MiB do, 16 do not). */
const MAX_INPUT_CHARS = 8 * 1024 * 1024;
/** An unused process goes away after this long. */
const IDLE_MS = 600_000;

export interface ChatTemplatesOptions {
  /** The process' program. Default: `templateWorker.mjs` beside the bundle, or the source when this runs from source. */
  readonly workerUrl?: URL;
  readonly limits?: Partial<TemplateLimits>;
}

interface Waiting {
  readonly job: RenderJob;
  readonly model: string;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly resolve: (prompt: Omit<RenderedPrompt, 'fallback'>) => void;
  readonly reject: (error: ZellError) => void;
}

/** One process, one job at a time. After an overrun the process is killed and the next job gets a new one. */
export class ChatTemplates {
  readonly #workerUrl: URL;
  readonly #limits: TemplateLimits;
  readonly #queue: Waiting[] = [];
  /** Hashes that the living process has parsed. */
  readonly #parsed = new Set<string>();
  #process: TemplateProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #busy = false;
  #closed = false;
  #nextId = 1;

  constructor(options: ChatTemplatesOptions = {}) {
    this.#workerUrl = options.workerUrl ?? defaultWorkerUrl();
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /**
   * The prompt for a conversation, ready for the assistant's answer. When the last message is the assistant's, the answer goes on
   * from its text.
   * @throws {ZellError} template_failed (names the model and why), too_large, cancelled
   */
  async render(
    source: TemplateSource,
    messages: readonly TemplateMessage[],
    { variables = {}, tools = [] }: TemplateExtras,
    signal: AbortSignal,
  ): Promise<RenderedPrompt> {
    const template = source.template ?? CHATML;
    const last = messages.at(-1);
    const goesOn = last?.role === 'assistant' && last.toolCalls === undefined;
    const prefill = goesOn ? last.content : '';
    const history = goesOn ? messages.slice(0, -1) : messages;
    const inputChars = history.reduce(
      (sum, m) => sum + charsOf(m),
      tools.length === 0 ? 0 : JSON.stringify(tools).length,
    );
    if (inputChars > MAX_INPUT_CHARS)
      throw new ZellError('too_large', `The messages have ${inputChars} characters; ${MAX_INPUT_CHARS} are allowed.`);
    const hash = createHash('sha256').update(template).digest('hex');
    const job: RenderJob = {
      id: this.#nextId++,
      hash,
      template,
      bosText: source.bosText,
      eosText: source.eosText,
      messages: history,
      variables,
      tools,
      nonce: randomBytes(8).toString('hex'),
      maxOutput: this.#limits.outputChars + 2 * inputChars,
    };
    const prompt = await new Promise<Omit<RenderedPrompt, 'fallback'>>((resolve, reject) => {
      const limitMs = this.#limits.renderMs + inputChars / 16_384;
      this.#queue.push({ job, model: source.model, limitMs, signal, resolve, reject });
      void this.#drain();
    });
    const parts = prefill === '' ? prompt.parts : [...prompt.parts, { text: prefill, special: false }];
    return { ...prompt, parts, fallback: source.template === undefined };
  }

  /** Starts the process and renders something small, so that the first request need not wait for it. Returns at once, never throws. */
  prepare(source: TemplateSource): void {
    const { signal } = new AbortController();
    this.render(source, [{ role: 'user', content: 'Hello' }], {}, signal).catch(() => undefined);
  }

  /** Ends the process; waiting renders fail with `cancelled`. */
  close(): void {
    this.#closed = true;
    this.#stop();
  }

  async #drain(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (this.#closed || next.signal.aborted) next.reject(new ZellError('cancelled', 'The request was cancelled.'));
        else await this.#run(next);
      }
    } finally {
      this.#busy = false;
    }
  }

  async #run(next: Waiting): Promise<void> {
    const fail = (why: string): void =>
      next.reject(
        new ZellError('template_failed', `The chat template of "${next.model}" failed: ${why}.`, {
          details: { model: next.model, template: next.job.hash.slice(0, 16) },
        }),
      );
    clearTimeout(this.#idle);
    if (this.#process?.alive !== true) {
      this.#process = new TemplateProcess(this.#workerUrl, this.#limits.heapMb);
      this.#parsed.clear();
    }
    try {
      await this.#process.ready();
    } catch (error) {
      this.#stop();
      fail(error instanceof Error ? error.message : String(error));
      return;
    }
    const limitMs = next.limitMs + (this.#parsed.has(next.job.hash) ? 0 : this.#limits.parseMs);
    const outcome = await this.#process.ask(next.job, limitMs);
    if (typeof outcome === 'string') {
      this.#stop();
      fail(outcome);
      return;
    }
    this.#parsed.add(next.job.hash);
    this.#idle = setTimeout(() => this.#stop(), IDLE_MS).unref();
    if (outcome.ok) next.resolve(outcome.prompt);
    else fail(outcome.message.replace(/[.\s]+$/, ''));
  }

  #stop(): void {
    clearTimeout(this.#idle);
    this.#process?.kill();
    this.#process = undefined;
  }
}

function charsOf(m: TemplateMessage): number {
  const calls = m.toolCalls === undefined ? 0 : JSON.stringify(m.toolCalls).length;
  return m.content.length + (m.thinking?.length ?? 0) + calls;
}

function defaultWorkerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './templateWorker.mjs', import.meta.url);
}
