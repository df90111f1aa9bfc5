/** The chats of one window: what is asked, what streams, what is kept. Knows neither the editor nor the wire. */
import { ZellError } from '#protocol/errors.ts';
import type { ChatHistoryEntry, ChatSession, ChatTurn, WebviewEvent } from '#protocol/webview.ts';
import { toMessages, type ChatMessage } from './chatPrompt.ts';
import { addTurn, beforeLastAnswer, changeTurn, emptySession } from './chatSession.ts';

/** A chat up to its last question. */
export interface ChatQuestion {
  readonly messages: readonly ChatMessage[];
  /** Nothing of it may be recorded or looked up. */
  readonly incognito: boolean;
}

export interface ChatEngine {
  /**
   * Streams the answer's text piece by piece. Ends early without an error when the signal aborts. `onMemories` gets the ids of the
   * memories that went with the question, before the first piece; it is not called when there are none.
   */
  chat(
    question: ChatQuestion,
    onMemories: (ids: readonly string[]) => void,
    signal: AbortSignal,
  ): AsyncIterable<string>;
}

export interface ChatStore {
  /** Newest first. */
  list(): Promise<readonly ChatHistoryEntry[]>;
  load(id: string): Promise<ChatSession | undefined>;
  save(session: ChatSession): Promise<void>;
  remove(id: string): Promise<void>;
}

export interface ChatSurroundings {
  now(): number;
  newId(): string;
  systemPrompt(): string;
  /** Plain words for a failure. */
  explain(error: unknown): string;
  /** Events for the view, in order. */
  emit(event: WebviewEvent): void;
}

export type Attachment = NonNullable<ChatTurn['attachment']>;

/** How often a streaming answer is written to disk. */
const SAVE_EVERY_MS = 2000;

export class ChatService {
  #session: ChatSession | undefined;
  readonly #streams = new Map<string, AbortController>();
  /** Sessions with an answer in progress; they may not be the one that is shown. */
  readonly #live = new Map<string, ChatSession>();
  readonly #engine: ChatEngine;
  readonly #store: ChatStore;
  readonly #around: ChatSurroundings;

  constructor(engine: ChatEngine, store: ChatStore, around: ChatSurroundings) {
    this.#engine = engine;
    this.#store = store;
    this.#around = around;
  }

  /** The chat that is shown: the newest one after a reload. */
  async load(): Promise<{ session: ChatSession; history: readonly ChatHistoryEntry[] }> {
    const history = await this.#store.list();
    const newest = history[0];
    this.#session ??= (newest && (await this.#store.load(newest.id))) ?? this.#empty();
    return { session: this.#live.get(this.#session.id) ?? this.#session, history };
  }

  /** `incognito`: the chat is never written to the disk, and its questions are not recorded. */
  async startNew(incognito = false): Promise<ChatSession> {
    return this.#show(this.#empty(incognito));
  }

  /** @throws {ZellError} not_found */
  async open(id: string): Promise<ChatSession> {
    const session = this.#live.get(id) ?? (await this.#store.load(id));
    if (!session) throw new ZellError('not_found', 'This chat is gone.');
    return this.#show(session);
  }

  async remove(id: string): Promise<void> {
    this.stop(id);
    this.#streams.delete(id);
    this.#live.delete(id);
    await this.#store.remove(id);
    if (this.#session?.id === id) await this.#show(this.#empty());
    else this.#around.emit({ type: 'history/changed', history: await this.#store.list() });
  }

  /**
   * Adds the question and starts its answer, which then arrives as events.
   * @throws {ZellError} busy while this chat still answers; not_found.
   */
  async send(sessionId: string, text: string, attachment?: Attachment): Promise<string> {
    const session = await this.#idle(sessionId);
    const id = this.#around.newId();
    const question: ChatTurn = { id, role: 'user', text, state: 'done', ...(attachment && { attachment }) };
    this.#around.emit({ type: 'turn/updated', sessionId, turn: question });
    return this.#answer(addTurn(session, question, this.#around.now()));
  }

  /** Asks the last question again. @throws {ZellError} busy, not_found */
  async retry(sessionId: string): Promise<string> {
    const session = beforeLastAnswer(await this.#idle(sessionId));
    if (!session) throw new ZellError('not_found', 'There is no question to ask again.');
    this.#around.emit({ type: 'session/opened', session, history: await this.#store.list() });
    return this.#answer(session);
  }

  stop(sessionId: string): void {
    this.#streams.get(sessionId)?.abort();
  }

  stopAll(): void {
    for (const stream of this.#streams.values()) stream.abort();
  }

  async #idle(sessionId: string): Promise<ChatSession> {
    if (this.#streams.has(sessionId)) throw new ZellError('busy', 'Zell is still answering. Stop it first.');
    const session = this.#session?.id === sessionId ? this.#session : await this.#store.load(sessionId);
    if (!session) throw new ZellError('not_found', 'This chat is gone.');
    return session;
  }

  async #show(session: ChatSession): Promise<ChatSession> {
    this.#session = session;
    this.#around.emit({ type: 'session/opened', session, history: await this.#store.list() });
    return session;
  }

  #empty(incognito = false): ChatSession {
    return emptySession(this.#around.newId(), this.#around.now(), incognito);
  }

  /** Starts the stream and returns the answer's id at once. */
  #answer(session: ChatSession): string {
    const turn: ChatTurn = { id: this.#around.newId(), role: 'assistant', text: '', state: 'streaming' };
    const stream = new AbortController();
    this.#streams.set(session.id, stream);
    this.#put(addTurn(session, turn, this.#around.now()));
    this.#around.emit({ type: 'turn/updated', sessionId: session.id, turn });
    void this.#stream(session, turn, stream);
    return turn.id;
  }

  async #stream(asked: ChatSession, started: ChatTurn, stream: AbortController): Promise<void> {
    const sessionId = asked.id;
    let turn = started;
    let savedAt = 0;
    try {
      const messages = toMessages(asked, this.#around.systemPrompt());
      const onMemories = (memories: readonly string[]): void => {
        turn = { ...turn, memories };
      };
      const question = { messages, incognito: asked.incognito === true };
      for await (const text of this.#engine.chat(question, onMemories, stream.signal)) {
        const at = turn.text.length;
        turn = { ...turn, text: turn.text + text };
        if (!this.#change(sessionId, turn)) return;
        this.#around.emit({ type: 'turn/delta', sessionId, turnId: turn.id, at, text });
        if (this.#around.now() - savedAt > SAVE_EVERY_MS) {
          savedAt = this.#around.now();
          await this.#save(sessionId);
        }
      }
      turn = { ...turn, state: stream.signal.aborted ? 'stopped' : 'done' };
    } catch (error) {
      turn = stream.signal.aborted
        ? { ...turn, state: 'stopped' }
        : { ...turn, state: 'failed', error: this.#around.explain(error) };
    }
    if (this.#streams.get(sessionId) === stream) this.#streams.delete(sessionId);
    if (!this.#change(sessionId, turn)) return;
    this.#around.emit({ type: 'turn/updated', sessionId, turn });
    await this.#save(sessionId);
    // The next question may have been asked while this answer was written to disk.
    if (!this.#streams.has(sessionId)) this.#live.delete(sessionId);
    this.#around.emit({ type: 'history/changed', history: await this.#store.list() });
  }

  /** False when the chat was removed meanwhile. */
  #change(sessionId: string, turn: ChatTurn): boolean {
    const session = this.#live.get(sessionId);
    if (session) this.#put(changeTurn(session, turn, this.#around.now()));
    return session !== undefined;
  }

  #put(session: ChatSession): void {
    this.#live.set(session.id, session);
    if (this.#session?.id === session.id) this.#session = session;
  }

  async #save(sessionId: string): Promise<void> {
    const session = this.#live.get(sessionId);
    if (session && session.incognito !== true) await this.#store.save(session);
  }
}
