import { expect, test } from 'vitest';
import type { Forgotten } from '../memory/forget.ts';
import type { AdapterStore } from '../training/adapters/adapterStore.ts';
import { eraseEverywhere, finishErasures, type ErasureParts } from './erasure.ts';

const FORGOTTEN: Forgotten = { ids: [3], cards: ['card'], texts: [], of: [9] };

/** Parts that write down what is asked of them. */
function parts(unfinished?: Forgotten, broken?: string): { parts: ErasureParts; calls: string[] } {
  const calls: string[] = [];
  const say = (what: string): Promise<void> => {
    calls.push(what);
    return what === broken ? Promise.reject(new Error('disk full')) : Promise.resolve();
  };
  const store = {
    withdraw: async ({ ids }: Forgotten) => {
      await say(`withdraw ${ids.join()}`);
      return ['m'];
    },
    withdrawnFrom: () => Promise.resolve(['m']),
  } as unknown as AdapterStore;
  return {
    calls,
    parts: {
      memory: {
        erasedIds: () => [1, 2],
        unfinishedErasures: () => unfinished,
        note: async (_model, type, data) => {
          await say(`${type} ${JSON.stringify(data)}`);
          return 1;
        },
      },
      store,
      auto: { changed: (model) => say(`swap ${model}`) },
      learning: () => ({
        forgot: () => say('drop the night'),
        rebuild: (models) => void say(`rebuild ${models.join()}`),
      }),
      forgetPrefixes: () => say('keys and values'),
    },
  };
}

const ALL = [
  'drop the night',
  'withdraw 3',
  'swap m',
  'keys and values',
  'erasure.done {"of":[9],"rebuild":["m"]}',
  'rebuild m',
];

test('everything made of it goes, then it is noted, then the rest is to be learnt again', async () => {
  const { parts: given, calls } = parts();
  await eraseEverywhere(FORGOTTEN, given);
  expect(calls).toEqual(ALL);
});

test('without room for the note all the rest is done; the next start finds it open', async () => {
  const { parts: given, calls } = parts(undefined, ALL[4]);
  await eraseEverywhere(FORGOTTEN, given);
  expect(calls).toEqual(ALL);
});

test('at the start, what is erased is in no adapter, and what a crash left is finished', async () => {
  const clean = parts();
  await finishErasures(clean.parts);
  expect(clean.calls).toEqual(['withdraw 1,2']);
  const crashed = parts(FORGOTTEN);
  await finishErasures(crashed.parts);
  expect(crashed.calls).toEqual(['withdraw 1,2', ...ALL]);
});
