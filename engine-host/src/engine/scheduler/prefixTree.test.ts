import { expect, test } from 'vitest';
import { PrefixTree } from './prefixTree.ts';

/** Sequences as the tree leaves them: id to length. */
function bench(most?: number): {
  tree: PrefixTree;
  lengths: Map<number, number>;
  add: (key: string, text: string) => number;
} {
  const lengths = new Map<number, number>();
  let last = 0;
  const tree = new PrefixTree(
    {
      freeSequence: (id) => {
        if (!lengths.delete(id)) throw new Error(`sequence ${id} was freed twice`);
      },
      truncateSequence: (id, length) => {
        if (length > (lengths.get(id) ?? -1)) throw new Error(`sequence ${id} is shorter`);
        lengths.set(id, length);
      },
    },
    most,
  );
  const add = (key: string, text: string): number => {
    lengths.set(++last, text.length);
    tree.add(key, tokens(text), last);
    return last;
  };
  return { tree, lengths, add };
}
const tokens = (text: string): number[] => Array.from(Buffer.from(text));

test('the longest common beginning is found, in the middle of an edge too', () => {
  const { tree, add } = bench();
  add('', 'system: be kind. user: a');
  const b = add('', 'system: be kind. user: bcd');
  expect(tree.find('', tokens('system: be kind. user: bcxy'), 99)).toEqual({ sequence: b, length: 25 });
  expect(tree.find('', tokens('system: be bold.'), 99)?.length).toBe(11);
  expect(tree.find('', tokens('system: be kind. user: bcd'), 20)?.length).toBe(20);
  expect(tree.find('', tokens('other'), 99)).toBeUndefined();
  expect(tree.find('0:1', tokens('system: be kind.'), 99)).toBeUndefined();
});

test('what the tree knows already is freed; a longer branch takes the place of a shorter', () => {
  const { tree, lengths, add } = bench();
  const short = add('', 'abc');
  const long = add('', 'abcdef');
  expect([...lengths.keys()]).toEqual([long]);
  add('', 'abcd');
  expect([...lengths.keys()]).toEqual([long]);
  expect(tree.size).toBe(1);
  expect(short).not.toBe(long);
});

test('eviction takes the end of the branch that was used longest ago and keeps what is shared', () => {
  const { tree, lengths, add } = bench();
  const a = add('', 'shared beginning, then a');
  const b = add('', 'shared beginning, then b');
  tree.find('', tokens('shared beginning, then a'), 99);
  expect(tree.evict(1000)).toBe(true);
  expect(lengths).toEqual(new Map([[a, 24]]));
  // Somebody uses only the first words: the rest is older.
  tree.find('', tokens('shared words'), 99);
  tree.evict(1);
  expect(lengths).toEqual(new Map([[a, 23]]));
  tree.evict(4);
  expect(lengths).toEqual(new Map([[a, 19]]));
  tree.evict(1000);
  expect(lengths).toEqual(new Map([[a, 7]]));
  expect(tree.find('', tokens('shared words'), 99)?.length).toBe(7);
  while (tree.evict(3));
  expect(lengths.size).toBe(0);
  expect(tree.find('', tokens('shared words'), 99)).toBeUndefined();
  expect(b).toBe(2);
});

test('the number of branches is limited', () => {
  const { tree, lengths, add } = bench(3);
  for (const text of ['a1', 'b2', 'c3', 'd4', 'e5']) add('', text);
  expect(tree.size).toBe(3);
  expect([...lengths.keys()]).toEqual([3, 4, 5]);
  tree.clear();
  expect(lengths.size).toBe(0);
});

test('an adapter that was unloaded takes its branches with it, also those that come later', () => {
  const { tree, lengths, add } = bench();
  const plain = add('', 'abc');
  add('0:1 2:0.5', 'abc');
  const other = add('1:1', 'abc');
  tree.dropAdapter(2);
  add('2:1', 'xyz');
  expect([...lengths.keys()]).toEqual([plain, other]);
});

test('thousands of random requests: what it finds is what somebody added, and nothing is lost', () => {
  let state = 1;
  const random = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
  const { tree, lengths, add } = bench();
  const text = (): string => Array.from({ length: 1 + random(12) }, () => 'ab'[random(2)]).join('');
  const held = new Map<number, string>();
  for (let i = 0; i < 3000; i++) {
    const asked = text();
    const found = tree.find('', tokens(asked), asked.length);
    // A naive search over what every sequence still holds.
    let best = 0;
    for (const [id, length] of lengths) {
      const known = (held.get(id) ?? '').slice(0, length);
      let n = 0;
      while (n < asked.length && n < known.length && asked[n] === known[n]) n++;
      best = Math.max(best, n);
    }
    expect(found?.length ?? 0).toBe(best);
    if (found !== undefined) {
      expect(lengths.get(found.sequence)).toBeGreaterThanOrEqual(found.length);
      expect((held.get(found.sequence) ?? '').slice(0, found.length)).toBe(asked.slice(0, found.length));
    }
    if (random(3) > 0) {
      const more = text();
      held.set(add('', more), more);
    }
    if (random(4) === 0) tree.evict(1 + random(6));
  }
  expect(tree.size).toBe(lengths.size);
});
