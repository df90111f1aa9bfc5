import { expect, test } from 'vitest';
import type { ModelSummary } from '#protocol/model.ts';
import type { ProfileAnswer } from '#protocol/profile.ts';
import { fitReport, mebibytes, profilePage } from './fitReport.ts';

const model: ModelSummary = {
  path: '/m/a`b.gguf',
  name: 'a',
  modelHash: '0123456789abcdef',
  architecture: 'llama',
  parameters: 134_515_008,
  quantization: 'Q4_1',
  contextLength: 8192,
  embeddingLength: 576,
  layers: 30,
  vocabularySize: 49_152,
  tokenizer: { model: 'gpt2', pre: 'smollm' },
  special: { endOfGeneration: [2] },
  bosText: '',
  eosText: '',
  addBos: false,
  bytes: 98_362_432,
  fit: { neededBytes: 3 * 1024 ** 3, availableBytes: 1024 ** 3, fits: false, kvTokens: 512 },
  tokenWork: { bytes: 1, weights: 1 },
  metadata: {},
};

test('the page says what is needed and whether it is there', () => {
  const text = fitReport(model);
  expect(text).toContain('does not fit');
  expect(text).toContain('| Memory needed | 3.0 GiB |');
  expect(text).toContain('| Parameters | 135 million |');
  expect(text).toContain('`/m/a b.gguf`');
});

test('sizes', () => {
  expect(mebibytes(98_362_432)).toBe('94 MiB');
});

test('a mixture larger than memory says what stays there', () => {
  const streaming = {
    strategy: 'streaming',
    residentBytes: 1024 ** 3,
    cacheBytes: 2 * 1024 ** 3,
    expertsInMemory: 20,
    experts: 256,
  } as const;
  const text = fitReport({ ...model, fit: { ...model.fit, fits: true, streaming } });
  expect(text).toContain('larger than memory: 20 of its 256 experts');
  expect(text).toContain('| Memory for experts | 2.0 GiB |');
  expect(text).toContain('| Memory needed at least | 3.0 GiB |');
});

test('a dense model larger than memory says what each step reads', () => {
  const streaming = {
    strategy: 'streaming',
    residentBytes: 1024 ** 3,
    cacheBytes: 1024 ** 2,
    expertsInMemory: 0,
    experts: 0,
    streamedBytes: 2 * 1024 ** 3,
  } as const;
  const text = fitReport({ ...model, fit: { ...model.fit, fits: true, streaming } });
  expect(text).toContain('larger than memory: 2.0 GiB of its layers come from the disk for each step');
  expect(text).toContain('| Kept in memory | 1.0 GiB |');
});

test('the page has what a profile says in front of what the file says, or how to get one', () => {
  const without = profilePage(model, null);
  expect(without).toContain('does not fit');
  expect(without).toContain('Build Model Profile');
  const answer = { text: '# a\n\nExpect 5 tokens/s.\n' } as ProfileAnswer;
  const page = profilePage(model, answer);
  expect(page.indexOf('Expect 5 tokens/s.')).toBeLessThan(page.indexOf('## File'));
  expect(page).toContain('| Parameters | 135 million |');
  expect(page.match(/^# /gm)).toHaveLength(1);
});
