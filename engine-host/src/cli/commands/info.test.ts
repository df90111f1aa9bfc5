import { expect, test } from 'vitest';
import { fitText } from './info.ts';

const GIB = 1024 ** 3;
const fit = { neededBytes: 3 * GIB, availableBytes: 4 * GIB, fits: true, kvTokens: 4096 };
const streaming = { residentBytes: GIB, cacheBytes: 2 * GIB, expertsInMemory: 20, experts: 256 };

test('a model fits, streams its experts, or is refused', () => {
  expect(fitText(fit)).toMatch(/^fits: needs 3\.\d* ?G/);
  expect(fitText({ ...fit, fits: false })).toMatch(/^refused: needs /);
  const streamed = fitText({ ...fit, streaming: { strategy: 'streaming', ...streaming } });
  expect(streamed).toMatch(/^streams experts from the disk: .* for 20 of 256 experts/);
  expect(fitText({ ...fit, streaming: { strategy: 'hybrid', ...streaming } })).toMatch(/^streams some experts/);
  const layers = { ...streaming, experts: 0, expertsInMemory: 0, streamedBytes: 2 * GIB };
  expect(fitText({ ...fit, streaming: { strategy: 'streaming', ...layers } })).toMatch(
    /^streams layers from the disk: .* in memory, 2\.\d* ?G\w+ read for each step through 2/,
  );
  expect(fitText({ ...fit, streaming: { strategy: 'hybrid', ...layers } })).toMatch(/^streams some layers/);
});
