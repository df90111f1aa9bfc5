import { expect, test } from 'vitest';
import type { EventRecord } from '#protocol/memory.ts';
import { completionItems } from './completionItems.ts';

const taken = (event_id: number, prompt: string, response: string, more: object = {}): EventRecord => ({
  v: 1,
  event_id,
  timestamp: event_id,
  type: 'completion.accepted',
  model: 'm',
  prompt,
  response,
  tokens: 0,
  data: { language: 'ts' },
  ...more,
});
const ids = (events: readonly EventRecord[], limits = {}): number[] =>
  completionItems(events, limits).flatMap((item) => item.events);

test('what stood around the cursor is context, what stayed is learnt, with its weight', () => {
  const data = { language: 'ts', file: 'f', suffix: '\n}' };
  expect(completionItems([taken(1, 'const a = ', 'load(path);', { data })])).toMatchObject([
    { type: 'completion', prefix: 'const a = ', completion: 'load(path);', suffix: '\n}', weight: 0.7, language: 'ts' },
  ]);
});

test('nearly the same is learnt once, the newest of it', () => {
  const loop = (name: string): string => `for (const ${name} of items) { total += ${name}.price * ${name}.amount; }`;
  const long = 'if (error instanceof TypeError) { log.warn("bad type", error.message); return undefined; }';
  const events = [
    taken(1, 'a\n', long),
    taken(2, 'b\n', `${long} `),
    taken(3, 'c\n', long.replace('bad type', 'bad kind')),
    taken(4, 'd\n', loop('item')),
    taken(5, 'const a  = ', '1;'),
    taken(6, 'const a = ', '1;'),
    taken(7, 'const b = ', '1;'),
  ];
  expect(ids(events)).toEqual([7, 6, 4, 3]);
});

test('no file and no language takes all the room', () => {
  const of = (id: number, file: string, language = 'ts'): EventRecord =>
    taken(id, `${file} ${id} `, `value${id} = make${id}(${id});`, { data: { language, file } });
  const events = [1, 2, 3, 4].map((id) => of(id, 'big')).concat([of(5, 'small'), of(6, 'other', 'py')]);
  expect(ids(events, { ofAFile: 2 })).toEqual([6, 5, 4, 3]);
  expect(ids(events, { ofALanguage: 2 })).toEqual([6, 5, 4]);
});

test('never what held a secret, was erased, is empty, or is no completion', () => {
  const events = [
    taken(1, 'a', 'one', { redacted: { aws: 1 } }),
    taken(2, 'b', 'two', { erased: true }),
    taken(3, 'c', ' \n'),
    taken(4, 'd', 'four', { type: 'chat.turn' }),
  ];
  expect(ids(events)).toEqual([]);
});
