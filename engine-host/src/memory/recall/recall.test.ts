import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Memory } from '../memory.ts';
import { openTestMemory } from '../testMemory.ts';

const MODEL = '0123456789abcdef';
const WORKSPACE = '0011223344556677';
const never = new AbortController().signal;

let home: string;
let now: number;
let memory: Memory;
const open = async (): Promise<void> => {
  memory = await openTestMemory(home, { now: () => now });
};
beforeEach(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'zell-recall-'));
  now = 1_700_000_000_000;
  await open();
});
afterEach(async () => {
  await memory.close();
  rmSync(home, { recursive: true, force: true });
});

/** One conversation of one turn, which is then over. @returns its event id */
async function say(content: string, workspace?: string): Promise<number> {
  const origin = { kind: 'editor' as const, ...(workspace === undefined ? {} : { workspace }) };
  const messages = [{ role: 'user' as const, content }];
  const id = await memory.record({ model: MODEL, messages, response: `answer ${now}`, tokens: 1, origin });
  now += 3_600_000;
  return id ?? 0;
}
const asked = async (question: string, more: object = {}): Promise<string[]> =>
  ((await memory.recall({ question, ...more }))?.cards ?? []).map((card) => card.value);

describe('from the first minute', () => {
  test('what was told is there before any night, and after it; what does not fit gets nothing', async () => {
    await say('My manager is Priya Raman.');
    await say('Our staging server is called pumpkin.');
    for (const night of [false, true]) {
      if (night) await memory.dream(never);
      expect(await asked('Who is my manager?')).toEqual(['Priya Raman']);
      expect(await asked('What is the capital of France?')).toEqual([]);
      expect(await asked('How do I sort a list in Python?')).toEqual([]);
    }
  });

  test('what was put right a minute ago counts before the night', async () => {
    await say('My manager is Priya Raman.');
    await memory.dream(never);
    await say('My manager is now Tom.');
    expect(await asked('Who is my manager?')).toEqual(['Tom']);
    await say('My manager is Priya Raman.');
    expect(await asked('Who is my manager?')).toEqual(['Priya Raman']);
  });

  test('many conversations: the newest are looked through, each to its end', async () => {
    for (let i = 0; i < 40; i++) await say(`Our service number ${i} is called velo${i}.`);
    expect(await asked('How is service number 39 called?')).toContain('velo39');
  });

  test('what stands in this conversation is not said again', async () => {
    await say('My manager is Priya Raman.');
    expect(await asked('Who is my manager?', { said: ['My manager is Priya Raman. '] })).toEqual([]);
    await say('Our staging server is called pumpkin.');
    expect(await asked('manager, staging server', { said: ['My manager is Priya Raman.'] })).toEqual(['pumpkin']);
  });
});

describe('a block', () => {
  test('stays within its budget and says what is in it', async () => {
    for (const said of ['My manager is Priya.', 'Our staging server is called pumpkin.', 'Our tests run on Vitest.'])
      await say(said);
    await memory.choose({ recallTokens: 40 });
    const recalled = (await memory.recall({ question: 'my manager and the staging server and the tests' }))!;
    expect(recalled.text.length).toBeLessThanOrEqual(160);
    expect(recalled.cards.length).toBeGreaterThan(0);
    expect(recalled.cards.length).toBeLessThan(3);
    for (const card of recalled.cards) expect(recalled.text).toContain(card.statement);
    await memory.close();
    await open();
    expect((await memory.recall({ question: 'my manager and the staging server and the tests' }))!.text).toBe(
      recalled.text,
    );
  });

  test('a memory of another workspace stays there; wishes about answers go with every question', async () => {
    await say('Our staging server is called pumpkin.', WORKSPACE);
    expect(await asked('the staging server', { workspace: 'ffffffffffffffff' })).toEqual([]);
    expect(await asked('the staging server')).toEqual([]);
    expect(await asked('the staging server', { workspace: WORKSPACE })).toEqual(['pumpkin']);
    await say('Always answer in German.');
    expect((await memory.recall({ question: 'What is 2 + 2?' }))!.text).toContain('Always answer in German.');
  });

  test('only the question counts, not the code that goes with it', async () => {
    await say('Our staging server is called pumpkin.');
    expect(await asked('What does this print?\n\n```\nconst staging = server();\n```')).toEqual([]);
  });
});

describe('what the adapter in force was taught', () => {
  test('is not looked up, unless its probe failed or another adapter answers', async () => {
    const first = await say('My manager is Priya Raman.');
    const second = await say('Our staging server is called pumpkin.');
    await memory.dream(never);
    const cards = memory.cards().map(({ id }) => id);
    const server = memory.cards().find((card) => card.value === 'pumpkin')!.id;
    await memory.forModel(MODEL).markConsolidated([first, second], { cards, failed: [server] });
    const both = 'my manager and the staging server';
    expect((await asked(both, { model: MODEL })).sort()).toEqual(['Priya Raman', 'pumpkin']);
    memory.useTaught((model) => new Set(model === MODEL ? cards : []));
    expect(await asked(both, { model: MODEL })).toEqual(['pumpkin']);
    expect(await asked(both, { model: 'fedcba9876543210' })).toHaveLength(2);
    expect(await asked(both)).toHaveLength(2);
    // Rolled back: it is looked up again.
    memory.useTaught(() => new Set());
    expect(await asked(both, { model: MODEL })).toHaveLength(2);
  });

  test('a changed memory is looked up until it was taught, too', async () => {
    await say('My manager is Priya Raman.');
    await memory.dream(never);
    const [card] = memory.cards();
    memory.useTaught(() => new Set([card!.id]));
    expect(await asked('Who is my manager?', { model: MODEL })).toEqual([]);
    await memory.editCard(card!.id, { statement: 'Your manager is Tom.', value: 'Tom' });
    expect(await asked('Who is my manager?', { model: MODEL })).toEqual(['Tom']);
  });
});

describe('forgetting', () => {
  test('a card that only recall has goes with what it was made from', async () => {
    await say('My manager is Priya Raman.');
    const [card] = (await memory.recall({ question: 'Who is my manager?' }))!.cards;
    expect((await memory.card(card!.id))!.events.map(({ prompt }) => prompt)).toEqual(['My manager is Priya Raman.']);
    expect((await memory.forget({ cards: [card!.id] })).ids).toEqual([1]);
    expect(await asked('Who is my manager?')).toEqual([]);
    expect(await memory.card(card!.id)).toBeUndefined();
  });

  test('a card is not found any more, at once', async () => {
    await say('My manager is Priya Raman.');
    await memory.dream(never);
    expect(memory.cards('manager')).toHaveLength(1);
    await memory.forget({ cards: [memory.cards()[0]!.id] });
    expect(memory.cards('manager')).toEqual([]);
    expect(await asked('Who is my manager?')).toEqual([]);
  });
});
