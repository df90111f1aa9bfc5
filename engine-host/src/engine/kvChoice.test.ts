import { expect, test } from 'vitest';
import type { KvType, LoadOptions, ModelSummary } from '#protocol/model.ts';
import { chooseKvType } from './kvChoice.ts';
import { FakeModel } from './native/fakeModel.ts';

/** An addon whose plans leave `bytes` to keys and values, of which a token takes 32 bytes in f16. */
function machine(bytes: number, contextLength = 8192) {
  const asked: (string | undefined)[] = [];
  const perToken: Record<KvType, number> = { f16: 32, q8_0: 17, q8q4: 13, q4_0: 9 };
  return {
    asked,
    inspect: (_path: string, options: LoadOptions): Promise<ModelSummary> => {
      asked.push(options.kvType);
      const kvTokens = Math.floor(bytes / perToken[(options.kvType ?? 'f16') as KvType]);
      const fit = { neededBytes: 100, availableBytes: 100 + bytes, fits: kvTokens >= 512, kvTokens };
      return Promise.resolve({ ...new FakeModel({ contextLength }).info, fit });
    },
  };
}
const choose = async (bytes: number, options: LoadOptions = {}, contextLength?: number) =>
  (await chooseKvType(machine(bytes, contextLength), 'm.gguf', options)).kv;

test('f16 as long as the whole context has room', async () => {
  expect(await choose(32 * 8192)).toEqual({ type: 'f16', mostTokens: 8192, reason: 'room for 8,192 tokens' });
  const addon = machine(32 * 8192);
  await chooseKvType(addon, 'm.gguf', {});
  expect(addon.asked).toEqual(['f16']);
});

test('then q8_0, then q8q4, then q4_0, and the reason has the numbers', async () => {
  expect(await choose(32 * 8192 - 1)).toEqual({
    type: 'q8_0',
    mostTokens: 15_420,
    reason: 'f16 has room for 8,191 of 8,192 tokens',
  });
  expect(await choose(16 * 8192)).toMatchObject({
    type: 'q8q4',
    reason: 'f16 has room for 4,096 of 8,192 tokens; q8_0 has room for 7,710 of 8,192 tokens',
  });
  expect(await choose(12 * 8192)).toMatchObject({
    type: 'q4_0',
    reason: expect.stringMatching(/; q8q4 has room for 7,561 of 8,192 tokens$/) as string,
  });
});

test('of a long context only a useful part must have room', async () => {
  expect(await choose(32 * 32_768, {}, 131_072)).toMatchObject({ type: 'f16', mostTokens: 32_768 });
  expect(await choose(17 * 32_768, {}, 131_072)).toMatchObject({ type: 'q8_0' });
  expect(await choose(32 * 1024, { contextLength: 1024 }, 131_072)).toMatchObject({ type: 'f16' });
});

test('when none has room for it, the smallest, and the reason says what is missing', async () => {
  expect(await choose(9 * 1000)).toMatchObject({
    type: 'q4_0',
    mostTokens: 1000,
    reason: expect.stringMatching(/q4_0 has room for 1,000 of 8,192 tokens$/) as string,
  });
});

test('a type that is asked for is not argued with', async () => {
  for (const kvType of ['f16', 'q8_0', 'q8q4', 'q4_0'] as const)
    expect(await choose(9 * 1000, { kvType })).toMatchObject({ type: kvType, reason: 'asked for' });
  expect(await choose(32 * 8192, { kvType: 'auto' })).toMatchObject({ type: 'f16' });
});
