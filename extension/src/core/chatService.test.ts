import { expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import type { ChatSession, WebviewEvent } from '#protocol/webview.ts';
import type { ChatMessage } from './chatPrompt.ts';
import { ChatService, type ChatQuestion, type ChatStore } from './chatService.ts';

class MemoryStore implements ChatStore {
  readonly files = new Map<string, ChatSession>();
  list = () => Promise.resolve([...this.files.values()].sort((a, b) => b.updatedAt - a.updatedAt));
  load = (id: string) => Promise.resolve(this.files.get(id));
  save = (session: ChatSession) => {
    this.files.set(session.id, session);
    return Promise.resolve();
  };
  remove = (id: string) => {
    this.files.delete(id);
    return Promise.resolve();
  };
}

/** An engine whose pieces the test hands out one by one. */
class HeldEngine {
  readonly asked: (readonly ChatMessage[])[] = [];
  readonly incognito: boolean[] = [];
  #queue: (string | Error | undefined)[] = [];
  #wake: () => void = () => undefined;

  give(piece: string | Error | undefined): void {
    this.#queue.push(piece);
    this.#wake();
  }

  memories: readonly string[] = [];

  async *chat(
    { messages, incognito }: ChatQuestion,
    onMemories: (ids: readonly string[]) => void,
    signal: AbortSignal,
  ): AsyncIterable<string> {
    this.asked.push(messages);
    this.incognito.push(incognito);
    if (this.memories.length > 0) onMemories(this.memories);
    signal.addEventListener('abort', () => {
      this.give(undefined);
    });
    for (;;) {
      while (this.#queue.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const piece = this.#queue.shift();
      if (piece === undefined) return;
      if (piece instanceof Error) throw piece;
      yield piece;
    }
  }
}

function setUp(store = new MemoryStore()) {
  let id = 0;
  let now = 0;
  const engine = new HeldEngine();
  const events: WebviewEvent[] = [];
  const service = new ChatService(engine, store, {
    now: () => ++now,
    newId: () => `id${++id}`,
    systemPrompt: () => '',
    explain: (error) => `explained: ${(error as Error).message}`,
    emit: (event) => events.push(event),
  });
  return { engine, events, service, store };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('an answer streams as deltas at rising offsets and is stored', async () => {
  const { engine, events, service, store } = setUp();
  const { session } = await service.load();
  const turnId = await service.send(session.id, 'Hello?');
  engine.give('Hel');
  engine.give('lo!');
  engine.give(undefined);
  await settle();
  expect(events.filter((event) => event.type === 'turn/delta')).toEqual([
    { type: 'turn/delta', sessionId: session.id, turnId, at: 0, text: 'Hel' },
    { type: 'turn/delta', sessionId: session.id, turnId, at: 3, text: 'lo!' },
  ]);
  expect(store.files.get(session.id)?.turns[1]).toMatchObject({ text: 'Hello!', state: 'done' });
  expect((await service.load()).session.turns).toHaveLength(2);
});

test('an answer names the memories that it used, also when it was stopped', async () => {
  const { engine, events, service, store } = setUp();
  engine.memories = ['0123456789abcdef'];
  const { session } = await service.load();
  await service.send(session.id, 'Who is my manager?');
  engine.give('Priya');
  await settle();
  service.stop(session.id);
  await settle();
  const last = { role: 'assistant', state: 'stopped', memories: ['0123456789abcdef'] };
  expect(store.files.get(session.id)?.turns[1]).toMatchObject(last);
  expect(events.findLast((event) => event.type === 'turn/updated')).toMatchObject({ turn: last });
});

test('stop ends the answer and keeps what came', async () => {
  const { engine, service, store } = setUp();
  const { session } = await service.load();
  await service.send(session.id, 'Count');
  engine.give('1 2 3');
  await settle();
  service.stop(session.id);
  await settle();
  expect(store.files.get(session.id)?.turns[1]).toMatchObject({ text: '1 2 3', state: 'stopped' });
});

test('a crash is told in plain words, and asking again repeats the question', async () => {
  const { engine, service, store } = setUp();
  const { session } = await service.load();
  await service.send(session.id, 'Why?');
  engine.give(new ZellError('engine_crashed', 'gone'));
  await settle();
  expect(store.files.get(session.id)?.turns[1]).toMatchObject({ state: 'failed', error: 'explained: gone' });
  await service.retry(session.id);
  engine.give('Because.');
  engine.give(undefined);
  await settle();
  expect(engine.asked[1]).toEqual([{ role: 'user', content: 'Why?' }]);
  expect(store.files.get(session.id)?.turns.map(({ text }) => text)).toEqual(['Why?', 'Because.']);
});

test('one chat answers one question at a time', async () => {
  const { service } = setUp();
  const { session } = await service.load();
  await service.send(session.id, 'a');
  await expect(service.send(session.id, 'b')).rejects.toMatchObject({ code: 'busy' });
});

test('an answer goes on while another chat is shown', async () => {
  const { engine, service } = setUp();
  const { session } = await service.load();
  await service.send(session.id, 'long');
  engine.give('first ');
  await settle();
  const other = await service.startNew();
  engine.give('second');
  await settle();
  expect((await service.load()).session.id).toBe(other.id);
  expect((await service.open(session.id)).turns[1]).toMatchObject({ text: 'first second', state: 'streaming' });
});

test('a removed chat stays removed although it was answering', async () => {
  const { engine, service, store } = setUp();
  const { session } = await service.load();
  await service.send(session.id, 'a');
  engine.give('b');
  await settle();
  await service.remove(session.id);
  await settle();
  expect(store.files.size).toBe(0);
  expect((await service.load()).session.id).not.toBe(session.id);
});

test('after a reload the newest chat is shown', async () => {
  const store = new MemoryStore();
  store.files.set('old', { id: 'old', title: 'o', updatedAt: 1, turns: [] });
  store.files.set('new', { id: 'new', title: 'n', updatedAt: 2, turns: [] });
  const { service } = setUp(store);
  expect((await service.load()).session.id).toBe('new');
});

test('an incognito chat is asked as such to its end, is never stored, and is gone when another one is opened', async () => {
  const { engine, events, service, store } = setUp();
  const { session: first } = await service.load();
  await service.send(first.id, 'Remember me.');
  engine.give('Yes.');
  engine.give(undefined);
  await settle();
  const secret = await service.startNew(true);
  expect(events.at(-1)).toMatchObject({ type: 'session/opened', session: { incognito: true } });
  for (const question of ['Between us?', 'And this?']) {
    await service.send(secret.id, question);
    engine.give('Sure.');
    engine.give(undefined);
    await settle();
  }
  await service.retry(secret.id);
  engine.give('Again.');
  engine.give(undefined);
  await settle();
  expect(engine.incognito).toEqual([false, true, true, true]);
  expect(engine.asked[2]?.map(({ content }) => content)).toEqual(['Between us?', 'Sure.', 'And this?']);
  expect((await service.load()).session).toMatchObject({ id: secret.id, incognito: true });
  expect([...store.files.keys()]).toEqual([first.id]);
  expect((await service.load()).history.map(({ id }) => id)).toEqual([first.id]);

  await service.open(first.id);
  await expect(service.open(secret.id)).rejects.toMatchObject({ code: 'not_found' });
  expect((await service.startNew()).incognito).toBeUndefined();
});
