import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChainMessage } from '../conversationChain.ts';
import type { Memory } from '../memory.ts';
import { openTestMemory } from '../testMemory.ts';
import { decodeCards, readCards } from './cardFile.ts';
import { asCard } from './readCard.ts';

const MODEL = '0123456789abcdef';
const WORKSPACE = '00112233aabbccdd';
const DAY = 86_400_000;
const never = new AbortController().signal;

let home: string;
let now: number;
let memory: Memory;
const cardsFile = (): string => path.join(home, 'memory/cards.jsonl');

function open(fails = false): Promise<Memory> {
  const redactor = { redact: () => Promise.reject(new Error('broke')), close: () => Promise.resolve() };
  return openTestMemory(home, { now: () => now, ...(fails ? { redaction: { redactor } } : {}) });
}

/** One conversation, said at once; the time then goes on. */
async function talk(...said: readonly string[]): Promise<number[]> {
  const ids: number[] = [];
  const messages: ChainMessage[] = [];
  for (const content of said) {
    messages.push({ role: 'user', content });
    const origin = { kind: 'editor' as const, workspace: WORKSPACE };
    const response = `answer ${now} ${content.length}`;
    ids.push((await memory.record({ model: MODEL, messages: [...messages], response, tokens: 1, origin })) ?? 0);
    messages.push({ role: 'assistant', content: response });
    now += 1000;
  }
  now += 3_600_000;
  return ids;
}
const statements = (): string[] => memory.cards().map((card) => card.statement);
/** Everything that lies on the disk, in one string. */
function onDisk(folder = home): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((e) => (e.isDirectory() ? onDisk(path.join(folder, e.name)) : readFileSync(path.join(folder, e.name), 'utf8')))
    .join('\n');
}

beforeEach(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'zell-cards-'));
  now = 20_000 * DAY;
  memory = await open();
});
afterEach(async () => {
  await memory.close();
  rmSync(home, { recursive: true, force: true });
});

describe('dreaming', () => {
  test('only conversations that are over, each once', async () => {
    await talk('My manager is Priya.', 'Our port is 8080.');
    const origin = { kind: 'api' as const };
    const open = [{ role: 'user' as const, content: 'My dog is called Biscuit' }];
    await memory.record({ model: MODEL, messages: open, response: 'ok', tokens: 1, origin });
    expect(await memory.dream(never)).toEqual({ conversations: 1, cards: 2 });
    expect(await memory.dream(never)).toEqual({ conversations: 0, cards: 0 });
    expect(statements()).toEqual(['Your port is 8080.', 'Your manager is Priya.']);
    now += 1_800_000;
    expect(await memory.dream(never)).toEqual({ conversations: 1, cards: 1 });
  });

  test('a card after a crash before the end of its conversation is not made twice', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    await memory.close();
    // As if the note that the conversation is done had not been written.
    const file = path.join(home, 'conversations', MODEL, '20000.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.at(-2)).toContain('conversation.dreamed');
    writeFileSync(file, `${lines.slice(0, -2).join('\n')}\n`);
    memory = await open();
    expect(await memory.dream(never)).toEqual({ conversations: 1, cards: 0 });
    expect(statements()).toEqual(['Your manager is Priya.']);
  });

  test('when the search for secrets fails there is no card, and the next night tries again', async () => {
    await talk('My manager is Priya.');
    await memory.close();
    memory = await open(true);
    await expect(memory.dream(never)).rejects.toThrow('broke');
    expect(statements()).toEqual([]);
    await memory.close();
    memory = await open();
    expect((await memory.dream(never)).cards).toBe(1);
  });

  test('what is forgotten while a model reads it makes no card, and forgetting does not wait for the model', async () => {
    const [first] = await talk('My manager is Priya.', 'Our port is 8080.');
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((reading) => {
      const model = {
        dream: () => {
          reading();
          return new Promise<[]>((resolve) => (answer = () => resolve([])));
        },
      };
      void memory.dream(never, model).then(() => (done = true));
    });
    let done = false;
    await asked;
    await memory.forget({ ids: [first!] });
    expect(done).toBe(false);
    answer();
    await expect.poll(() => done).toBe(true);
    expect(statements()).toEqual(['Your port is 8080.']);
    expect(onDisk()).not.toContain('Priya');
  });

  test('a newer card replaces the older one, and the older one, said again, the newer', async () => {
    await talk('My manager is Priya.');
    await talk('My manager is now Tom.');
    await memory.dream(never);
    expect(statements()).toEqual(['Your manager is Tom.']);
    await talk('My manager is Priya.');
    await memory.dream(never);
    expect(statements()).toEqual(['Your manager is Priya.']);
    expect(memory.cards()[0]!.sources).toEqual([1, 7]);
  });
});

describe('the file of cards', () => {
  test('dropped, torn or changed, it is written anew to the same bytes', async () => {
    await talk('My manager is Priya.', 'no, it is Tom', 'we use Vitest for unit tests');
    await memory.dream(never);
    const whole = readFileSync(cardsFile());
    expect((await readCards(cardsFile()))!.cards).toHaveLength(3);
    expect(statSync(cardsFile()).mode & 0o777).toBe(0o600);
    const damages = [
      () => rmSync(cardsFile()),
      () => truncateSync(cardsFile(), 40),
      () => writeFileSync(cardsFile(), whole.toString().replace('Tom', 'Bob')),
      () => writeFileSync(cardsFile(), '{"v":1}\n'),
    ];
    for (const damage of damages) {
      await memory.close();
      damage();
      memory = await open();
      expect(readFileSync(cardsFile())).toEqual(whole);
      expect(statements()).toEqual(['You use Vitest for unit tests.', 'Your manager is Tom.']);
    }
  });

  test('cut or flipped anywhere, readers take nothing of it', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    const whole = readFileSync(cardsFile());
    for (let cut = 0; cut < whole.length; cut++)
      expect(decodeCards(whole.subarray(0, cut)), `cut ${cut}`).toBeUndefined();
    for (let at = whole.indexOf('\n') + 1; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1;
      expect(decodeCards(flipped), `byte ${at}`).toBeUndefined();
    }
  });

  test('what is no card is none', () => {
    const card = {
      id: 'a'.repeat(16),
      subject: 's',
      statement: 'S.',
      value: 'v',
      kind: 'fact',
      form: 'note',
      scope: 'global',
      sources: [1],
      validFrom: 1,
      by: 'user',
    };
    expect(asCard(card)).toEqual(card);
    expect(asCard({ ...card, extra: 1 })).toEqual(card);
    const bad = [
      null,
      3,
      [],
      { ...card, id: '../x' },
      { ...card, statement: 'a\nb' },
      { ...card, statement: 'x'.repeat(500) },
      { ...card, kind: 'x' },
      { ...card, sources: [0] },
      { ...card, sources: '1' },
      { ...card, scope: 'workspace' },
      { ...card, validFrom: 'now' },
    ];
    for (const value of bad) expect(asCard(value)).toBeUndefined();
  });

  test('cards outlive the texts they come from, also when the file is dropped', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    const before = readFileSync(cardsFile());
    await memory.close();
    now += 40 * DAY;
    rmSync(cardsFile());
    memory = await open();
    expect((await memory.status(MODEL)).events).toBe(0);
    expect(readFileSync(cardsFile())).toEqual(before);
    expect((await memory.card(memory.cards()[0]!.id))!.events).toEqual([]);
  });
});

describe('forgetting', () => {
  test('an event takes the cards with it that come from nothing else', async () => {
    const [first] = await talk('My manager is Priya.', 'We use Vitest for unit tests.');
    await talk('We use Vitest for unit tests.');
    await memory.dream(never);
    expect(await memory.forget({ ids: [first!] })).toMatchObject({ ids: [1], cards: [expect.any(String)] });
    expect(statements()).toEqual(['You use Vitest for unit tests.']);
    await memory.forget({ ids: [2] });
    expect(statements()).toEqual(['You use Vitest for unit tests.']);
    expect(memory.cards()[0]!.sources).toEqual([3]);
    expect(onDisk()).not.toContain('Priya');
  });

  test('a card takes its exchanges with it and what it had replaced: nothing outdated comes back', async () => {
    await talk('My manager is Priya.');
    await talk('My manager is now Tom. My dog is called Biscuit.');
    await memory.dream(never);
    const told: unknown[] = [];
    memory.onForgotten((forgotten) => {
      told.push(forgotten);
      return Promise.resolve();
    });
    const tom = memory.cards().find((card) => card.value === 'Tom')!;
    const forgotten = await memory.forget({ cards: [tom.id] });
    expect(forgotten.ids).toEqual([1, 2]);
    expect(forgotten.cards).toHaveLength(2);
    expect(told).toEqual([forgotten]);
    expect(statements()).toEqual(['Your dog is called Biscuit.']);
    expect(onDisk()).not.toMatch(/Priya|Tom/);
    await memory.close();
    memory = await open();
    expect(statements()).toEqual(['Your dog is called Biscuit.']);
    expect((await memory.dream(never)).cards).toBe(0);
  });

  test('what was not removed everywhere before a crash is known at the next start, until it is noted as done', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    const [card] = memory.cards();
    const { of } = await memory.forget({ cards: [card!.id] });
    await memory.close();
    memory = await open();
    expect(memory.unfinishedErasures()).toMatchObject({
      ids: expect.arrayContaining([1]) as number[],
      cards: [card!.id],
      of,
    });
    await talk('My manager is Priya.');
    await memory.dream(never);
    // Said again, it is remembered again.
    expect(memory.unfinishedErasures()).toMatchObject({ cards: [] });
    await memory.note(MODEL, 'erasure.done', { of, rebuild: [MODEL] });
    expect(memory.unfinishedErasures()).toBeUndefined();
    expect(memory.unprovedErasures(MODEL)).toEqual(of);
    expect(memory.unprovedErasures('fedcba9876543210')).toEqual([]);
    await memory.note(MODEL, 'erasure.proved', { of });
    expect(memory.unprovedErasures(MODEL)).toEqual([]);
  });

  test('cards of others are those that were never said to this model', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    expect(memory.cardsOfOthers(MODEL)).toEqual([]);
    expect(memory.cardsOfOthers('fedcba9876543210')).toEqual(memory.cards());
  });

  test('a range, a workspace, everything', async () => {
    await talk('My manager is Priya.');
    const from = now;
    await talk('Our port is 8080.');
    const to = now;
    await talk('I live in Leipzig.');
    await memory.dream(never);
    await memory.forget({ from, to });
    expect(statements()).toEqual(['You live in Leipzig.', 'Your manager is Priya.']);
    const origin = { kind: 'api' as const };
    const messages = [{ role: 'user' as const, content: 'Call me Sam' }];
    await memory.record({ model: MODEL, messages, response: 'ok', tokens: 1, origin });
    await memory.forget({ workspace: WORKSPACE });
    expect(statements()).toEqual([]);
    expect((await memory.status(MODEL)).events).toBe(1);
    await memory.forget({ everything: true });
    expect(onDisk()).not.toMatch(/Priya|8080|Leipzig|Sam/);
  });

  test('a crash between the note and the erasure is made good at the next start', async () => {
    await talk('My manager is Priya.', 'Our port is 8080.');
    await memory.dream(never);
    const before = readFileSync(path.join(home, 'conversations', MODEL, '20000.jsonl'));
    const card = memory.cards().find((c) => c.value === 'Priya')!;
    await memory.forget({ cards: [card.id] });
    await memory.close();
    // The day file as it was before the erasure, with the note behind it: the rename had not happened.
    const after = readFileSync(path.join(home, 'conversations', MODEL, '20000.jsonl'), 'utf8').split('\n');
    const note = after.find((line) => line.includes('memory.forgotten'))!;
    writeFileSync(path.join(home, 'conversations', MODEL, '20000.jsonl'), `${before.toString()}${note}\n`);
    memory = await open();
    expect(statements()).toEqual(['Your port is 8080.']);
    expect(onDisk()).not.toContain('Priya');
  });
});

describe('recall', () => {
  test('from the first minute, without a night; off means off, also after a restart', async () => {
    const origin = { kind: 'editor' as const, workspace: WORKSPACE };
    const messages = [{ role: 'user' as const, content: 'My manager is Priya.' }];
    await memory.record({ model: MODEL, messages, response: 'ok', tokens: 1, origin });
    expect((await memory.recall({ question: 'Who is my manager?' }))!.text).toContain('Your manager is Priya.');
    await memory.choose({ recall: false });
    expect(await memory.recall({ question: 'Who is my manager?' })).toBeUndefined();
    await memory.close();
    memory = await open();
    expect(await memory.recall({ question: 'Who is my manager?' })).toBeUndefined();
    expect((await memory.status(MODEL)).enabled).toBe(true);
    await memory.choose({ recall: true });
    await memory.forget({ ids: [1] });
    expect(await memory.recall({ question: 'Who is my manager?' })).toBeUndefined();
  });
});

describe('by hand', () => {
  test('the user’s wording replaces a card; a secret is refused', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    const [card] = memory.cards();
    await memory.editCard(card!.id, { statement: 'Your manager is Priya Raman.', value: 'Priya Raman' });
    expect(memory.cards()).toMatchObject([
      { statement: 'Your manager is Priya Raman.', by: 'user', supersedes: card!.id },
    ]);
    const secret = { statement: 'Your key is AKIAQ7MZP2LXWV4TNB3K.', value: 'AKIAQ7MZP2LXWV4TNB3K' };
    await expect(memory.editCard(card!.id, secret)).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(memory.editCard('0'.repeat(16), secret)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('an export comes in again, without what is no card', async () => {
    await talk('My manager is Priya.', 'Our port is 8080.');
    await memory.dream(never);
    const exported = memory.cards().map((card) => JSON.parse(JSON.stringify(card)) as unknown);
    await memory.clear();
    expect(await memory.importCards([...exported, { no: 'card' }, null])).toBe(2);
    expect(await memory.importCards(exported)).toBe(0);
    expect(statements().sort()).toEqual(['Your manager is Priya.', 'Your port is 8080.']);
  });

  test('of thousands of cards the ones with a secret stay out, the others come in their order and once', async () => {
    await talk('My manager is Priya.');
    await memory.dream(never);
    const card = memory.cards()[0]!;
    await memory.clear();
    const of = (i: number, value: string): unknown => ({
      ...card,
      subject: `your server ${i}`,
      statement: `Your server ${i} is called ${value}.`,
      value,
    });
    const cards = Array.from({ length: 2000 }, (_, i) => of(i, i % 100 === 7 ? 'AKIAQ7MZP2LXWV4TNB3K' : `heron-${i}`));
    expect(await memory.importCards([...cards, cards[3]])).toBe(1980);
    const held = memory.cards().map(({ value }) => value);
    expect(
      held
        .reverse()
        .slice(0, 9)
        .map((value) => value.slice(6)),
    ).toEqual(['0', '1', '2', '3', '4', '5', '6', '8', '9']);
    expect(new Set(held).size).toBe(1980);
  });
});
