/** The way into the log: what is new of an exchange, without its secrets. Recording never delays or fails a reply. */
import { randomUUID } from 'node:crypto';
import type { EditorNotifications } from '#protocol/editor.ts';
import type { NewEvent } from '../store/eventLog.ts';
import type { ConversationChain } from './conversationChain.ts';
import type { Journal } from './journal.ts';
import type { MemorySettings } from './memorySettings.ts';
import type { RecordedExchange } from './memoryTypes.ts';
import type { Redactor } from './redactor.ts';

/** A request waits for this decision, which takes some tens of milliseconds per megabyte. */
const KEEP_DECISION_MS = 2000;

/** What is kept of the text behind a completion. */
const SUFFIX_CHARS = 500;

export interface RecorderParts {
  readonly journal: Journal;
  readonly chain: ConversationChain;
  readonly redactor: Redactor;
  readonly settings: MemorySettings;
  /** Code and message only, never a text. */
  readonly onProblem: (error: unknown) => void;
}

export class Recorder {
  readonly #parts: RecorderParts;
  /** Chain → conversation of exchanges that are not on disk yet, so that the next turn finds the one before it. */
  readonly #onTheirWay = new Map<string, string>();
  readonly #inFlight = new Set<Promise<unknown>>();
  /** Settles when everything recorded so far is redacted. */
  #redacted: Promise<unknown> = Promise.resolve();

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** Starts what the first request would have to wait for. Returns at once, never throws. */
  prepare(): void {
    const { redactor, settings } = this.#parts;
    if (settings.enabled)
      redactor.redact(['Some text, so that its patterns are compiled. '.repeat(100)]).catch(() => undefined);
  }

  /** Whether these texts may be written as they are: the memory is on, and no secret was found in them in time. Never throws. */
  async mayKeep(texts: readonly string[]): Promise<boolean> {
    const { redactor, settings } = this.#parts;
    if (!settings.enabled) return false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), KEEP_DECISION_MS);
    });
    try {
      const found = await Promise.race([redactor.redact(texts), late]);
      return found?.every(({ counts }) => Object.keys(counts).length === 0) === true && settings.enabled;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Queues it; returns at once and never throws. */
  exchange(exchange: RecordedExchange): void {
    this.background(this.record(exchange));
  }

  /** @returns the event's id, or undefined when nothing was new or the memory is off */
  async record(exchange: RecordedExchange): Promise<number | undefined> {
    const { settings, journal, chain } = this.#parts;
    if (!settings.enabled || exchange.response.trim() === '') return undefined;
    const conversationOf = (link: string): string | undefined =>
      journal.projection.conversationOf(link) ?? this.#onTheirWay.get(link);
    const turn = chain.place(exchange.messages, exchange.response, (link) => conversationOf(link) !== undefined);
    if (turn.prompt.trim() === '' || conversationOf(turn.chain) !== undefined) return undefined;
    const conversation = (turn.parent === undefined ? undefined : conversationOf(turn.parent)) ?? randomUUID();
    this.#onTheirWay.set(turn.chain, conversation);
    const event = {
      type: 'chat.turn' as const,
      model: exchange.model,
      tokens: exchange.tokens,
      conversation,
      origin: exchange.origin,
      data: {
        chain: turn.chain,
        ...(exchange.stopped === true ? { stopped: true } : {}),
        ...this.#learnt(exchange.learn !== false),
      },
    };
    try {
      return await this.#append(event, turn.prompt, exchange.response);
    } finally {
      this.#onTheirWay.delete(turn.chain);
    }
  }

  completionAccepted(accepted: EditorNotifications['zell/completion/accepted'], model: string): void {
    if (!this.#parts.settings.enabled || accepted.inserted.trim() === '') return;
    const workspace = accepted.workspace === undefined ? {} : { workspace: accepted.workspace };
    const file = accepted.fileName === undefined ? {} : { file: this.#fileKey(accepted.fileName, accepted.workspace) };
    const event = {
      type: 'completion.accepted' as const,
      model,
      tokens: 0,
      origin: { kind: 'editor' as const, ...workspace },
      data: { language: accepted.languageId.slice(0, 64), ...file, ...this.#learnt(true) },
    };
    this.background(
      this.#append(event, accepted.prefixTail, accepted.inserted, accepted.suffixHead?.slice(0, SUFFIX_CHARS)),
    );
  }

  closeConversation(conversation: string): void {
    const { settings, journal } = this.#parts;
    if (!settings.enabled || !journal.projection.has(conversation)) return;
    const event = { type: 'conversation.closed' as const, prompt: '', response: '', tokens: 0, conversation };
    this.background(journal.append({ ...event, model: journal.newestModel() }));
  }

  /** Resolves when everything recorded so far is on the disk, or was refused. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /** The mark of what is recorded only: it holds for good, whatever is chosen later. */
  #learnt(wanted: boolean): { learn?: false } {
    return wanted && this.#parts.settings.mode === 'learn' ? {} : { learn: false };
  }

  /** Tells files apart without naming them. */
  #fileKey(name: string, workspace = ''): string {
    return this.#parts.chain.keyed(`file\n${workspace}\n${name}`);
  }

  /** `suffix`: what stands behind `response`. */
  async #append(
    event: Omit<NewEvent, 'prompt' | 'response'>,
    prompt: string,
    response: string,
    suffix = '',
  ): Promise<number> {
    const redaction = this.#parts.redactor.redact([prompt, response, suffix]);
    // Events keep the order of the calls, but none waits for another's disk write: those that come together share one.
    const inOrder = this.#redacted.then(() => redaction);
    this.#redacted = inOrder.catch(() => undefined);
    const [safePrompt, safeResponse, safeSuffix] = await inOrder;
    if (safePrompt === undefined || safeResponse === undefined || safeSuffix === undefined)
      throw new Error('redaction gave no answer');
    const counts: Record<string, number> = { ...safePrompt.counts };
    for (const found of [safeResponse.counts, safeSuffix.counts])
      for (const [kind, count] of Object.entries(found)) counts[kind] = (counts[kind] ?? 0) + count;
    const behind = suffix === '' ? {} : { data: { ...event.data, suffix: safeSuffix.text } };
    const redacted = Object.keys(counts).length === 0 ? {} : { redacted: counts };
    return this.#parts.journal.append({
      ...event,
      ...behind,
      prompt: safePrompt.text,
      response: safeResponse.text,
      ...redacted,
    });
  }

  /** Failures are told; `settled` waits for it. */
  background(work: Promise<unknown>): void {
    const settled = work
      .catch((error: unknown) => this.#parts.onProblem(error))
      .finally(() => this.#inFlight.delete(settled));
    this.#inFlight.add(settled);
  }
}
