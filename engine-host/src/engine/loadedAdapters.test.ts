import { expect, test } from 'vitest';
import { LoadedAdapters } from './loadedAdapters.ts';
import { FakeModel } from './native/fakeModel.ts';

async function three(): Promise<LoadedAdapters> {
  const adapters = new LoadedAdapters(new FakeModel());
  for (const [path, scale] of [
    ['/a.gguf', 1],
    ['/b.gguf', 0],
    ['/c.gguf', -0.5],
  ] as const)
    await adapters.load({ path, scale });
  return adapters;
}

test('requests that name none run with those that have a scale', async () => {
  const adapters = await three();
  expect(adapters.list().map(({ id, path, scale }) => [id, path, scale])).toEqual([
    [0, '/a.gguf', 1],
    [1, '/b.gguf', 0],
    [2, '/c.gguf', -0.5],
  ]);
  expect(adapters.inForce(undefined)).toEqual([
    { id: 0, scale: 1 },
    { id: 2, scale: -0.5 },
  ]);
});

test('a request names its own, in any order; 0 is as if absent', async () => {
  const adapters = await three();
  const asked = [
    { id: 1, scale: 2 },
    { id: 2, scale: 0 },
    { id: 0, scale: 0.5 },
  ];
  expect(adapters.inForce(asked)).toEqual([
    { id: 0, scale: 0.5 },
    { id: 1, scale: 2 },
  ]);
  expect(adapters.inForce([])).toEqual([]);
});

test('what is wrong with a request is said, and scales stay as they were', async () => {
  const adapters = await three();
  const wrong = [
    [[{ id: 3, scale: 1 }], 'not_found'],
    [[{ id: 0, scale: Number.NaN }], 'invalid_request'],
    [[{ id: 0, scale: 1001 }], 'invalid_request'],
    [
      [
        { id: 0, scale: 1 },
        { id: 0, scale: 2 },
      ],
      'invalid_request',
    ],
  ] as const;
  for (const [scales, code] of wrong) {
    expect(() => adapters.inForce(scales)).toThrow(expect.objectContaining({ code }));
    expect(() => adapters.scale([{ id: 1, scale: 9 }, ...scales])).toThrow(expect.objectContaining({ code }));
  }
  expect(adapters.list().map((a) => a.scale)).toEqual([1, 0, -0.5]);
});

test('scales that are not named become 0', async () => {
  const adapters = await three();
  adapters.scale([{ id: 1, scale: 3 }]);
  expect(adapters.list().map((a) => a.scale)).toEqual([0, 3, 0]);
});

test('an id is used once, and restored ones stay what they were', async () => {
  const adapters = await three();
  adapters.unload(1);
  expect(() => adapters.inForce([{ id: 1, scale: 1 }])).toThrow(expect.objectContaining({ code: 'not_found' }));
  expect((await adapters.load({ path: '/d.gguf', scale: 1 })).id).toBe(3);
  const restarted = new LoadedAdapters(new FakeModel());
  for (const { id, path, scale } of adapters.list()) await restarted.load({ id, path, scale });
  expect(restarted.list().map((a) => a.id)).toEqual([0, 2, 3]);
  // The addon counts anew.
  expect(restarted.inForce([{ id: 2, scale: 1 }])).toEqual([{ id: 1, scale: 1 }]);
  expect((await restarted.load({ path: '/e.gguf', scale: 1 })).id).toBe(4);
});

test('a file that is refused leaves nothing, and there is a limit', async () => {
  const adapters = new LoadedAdapters(new FakeModel());
  await expect(adapters.load({ path: '/broken.gguf', scale: 1 })).rejects.toMatchObject({ code: 'bad_model_file' });
  expect(adapters.list()).toEqual([]);
  await Promise.all(Array.from({ length: 64 }, () => adapters.load({ path: '/a.gguf', scale: 0 })));
  await expect(adapters.load({ path: '/a.gguf', scale: 0 })).rejects.toMatchObject({ code: 'too_large' });
});
