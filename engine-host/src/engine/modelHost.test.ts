import { expect, test } from 'vitest';
import type { KvType } from '#protocol/model.ts';
import { ModelHost } from './modelHost.ts';
import type { FakeModel } from './native/fakeModel.ts';
import { fakeAddon } from './native/fakeModel.ts';

/** A host on a machine with `bytes` of memory, of which a loaded model takes `modelBytes` and a token 32 bytes in f16. */
function hostWith(bytes: number, modelBytes: number) {
  const made: FakeModel[] = [];
  const types: (string | undefined)[] = [];
  const perToken: Record<KvType, number> = { f16: 32, q8_0: 17, q8q4: 13, q4_0: 9 };
  const fake = fakeAddon({ contextLength: 8192 }, made);
  const addon: typeof fake = {
    ...fake,
    inspect: async (path, options) => {
      const summary = await fake.inspect(path, options);
      const held = made.filter((model) => !model.closed).length * modelBytes;
      const left = bytes - held - modelBytes;
      const kvTokens = Math.floor(left / perToken[(options.kvType ?? 'f16') as KvType]);
      return { ...summary, fit: { neededBytes: modelBytes, availableBytes: bytes - held, fits: left > 0, kvTokens } };
    },
    loadModel: (path, options, onProgress) => {
      types.push(options.kvType);
      return fake.loadModel(path, options, onProgress);
    },
  };
  return { host: new ModelHost({ addon, now: () => 0, flush: () => undefined, build: 'test' }), made, types };
}
const load = (host: ModelHost, path: string) => host.load(path, {}, () => undefined);

test('the memory of the model that goes counts for the one that comes', async () => {
  // Beside one model there is room for the context in f16, beside two not even in q4_0.
  const { host, types } = hostWith(200_000 + 32 * 8192, 200_000);
  const kv = { type: 'f16', mostTokens: 8192, reason: 'room for 8,192 tokens' };
  expect((await load(host, '/a.gguf')).kv).toEqual(kv);
  expect((await load(host, '/b.gguf')).kv).toEqual(kv);
  expect(types).toEqual(['f16', 'f16']);
  await host.unload();
});

test('a file that is refused at first sight leaves the model loaded; one that fails later is followed by it', async () => {
  const { host, made, types } = hostWith(200_000 + 17 * 8192, 200_000);
  await load(host, '/a.gguf');
  await expect(load(host, '/broken.gguf')).rejects.toMatchObject({ code: 'bad_model_file' });
  expect(made.map((model) => model.closed)).toEqual([false]);
  await expect(load(host, '/half.gguf')).rejects.toMatchObject({ code: 'bad_model_file' });
  expect(made.map((model) => model.closed)).toEqual([true, false]);
  expect(types).toEqual(['q8_0', 'q8_0', 'q8_0']);
  await host.unload();
});
