import { expect, test } from 'vitest';
import type { HostStatus } from '#protocol/editor.ts';
import { statusLine } from './engineView.ts';

const ready: HostStatus = {
  state: 'ready',
  detail: 'Ready.',
  version: '1',
  pid: 1,
  port: 11434,
  model: {
    name: 'SmolLM2',
    modelHash: 'abc',
    path: '/m.gguf',
    architecture: 'llama',
    quantization: 'Q4_1',
    contextLength: 8192,
  },
  tokensPerSecond: 42.4,
  queue: { running: 1, waiting: 0, slots: 8, maxWaiting: 64 },
  leases: 1,
};

test('ready says model and speed', () => {
  const line = statusLine({ kind: 'connected', status: ready });
  expect(line.text).toBe('$(sparkle) SmolLM2 · 42 tok/s');
  expect(line.label).toBe('Zell: ready, SmolLM2, 42 tokens per second');
  expect(line.tooltip).toContain('http://127.0.0.1:11434');
});

test('before the first answer there is no speed', () => {
  expect(statusLine({ kind: 'connected', status: { ...ready, tokensPerSecond: 0 } }).text).toBe('$(sparkle) SmolLM2');
});

test('loading shows its progress', () => {
  expect(statusLine({ kind: 'connected', status: { ...ready, state: 'loading', progress: 0.256 } }).text).toContain(
    '26 %',
  );
});

test('a crash offers a restart, a failed start another attempt', () => {
  const crashed = statusLine({ kind: 'connected', status: { ...ready, state: 'crashed', detail: 'It died.' } });
  expect(crashed).toMatchObject({ action: 'restart', severity: 'error' });
  expect(crashed.tooltip).toContain('It died.');
  expect(statusLine({ kind: 'failed', message: 'No.' })).toMatchObject({ action: 'start', severity: 'error' });
});

test('learning is told', () => {
  expect(statusLine({ kind: 'connected', status: { ...ready, state: 'learning' } }).label).toContain('learning');
});

test('what slows or pauses the engine is said, with its reason', () => {
  const shown = (duty: number, memoryShort = false): ReturnType<typeof statusLine> =>
    statusLine({ kind: 'connected', status: { ...ready, restraint: { duty, memoryShort, reason: 'It is hot.' } } });
  expect(shown(0.5)).toMatchObject({ text: '$(dashboard) SmolLM2 · slowed', label: 'Zell: slowed, SmolLM2' });
  expect(shown(0).text).toBe('$(debug-pause) SmolLM2 · paused');
  expect(shown(1, true)).toMatchObject({ text: '$(warning) SmolLM2 · memory is short', action: 'menu' });
  expect(shown(0.5, true).label).toBe('Zell: slowed, memory is short, SmolLM2');
  expect(shown(0.5).tooltip).toMatch(/^It is hot\.\n[^]*zell\.throttle/);
  expect(shown(1, true).tooltip).not.toContain('zell.throttle');
});

test('fewer layers or experts in memory than planned are said in the tooltip', () => {
  const status = { ...ready, shrunk: 'programs waited for memory' };
  expect(statusLine({ kind: 'connected', status }).tooltip).toContain('planned: programs waited for memory');
});

test('asleep it learns, but not while it answers', () => {
  const memory = { enabled: true, mode: 'learn', closedWaiting: 3, sleepAfter: 100, state: 'sleeping' } as const;
  const queue = { running: 0, waiting: 0, slots: 8, maxWaiting: 64 };
  const shown = (status: HostStatus): string => statusLine({ kind: 'connected', status }).text;
  expect(shown({ ...ready, queue, memory })).toBe('$(mortar-board) SmolLM2');
  expect(shown({ ...ready, memory })).toContain('$(sparkle)');
  expect(shown({ ...ready, queue, memory: { ...memory, state: 'awake' } })).toContain('$(sparkle)');
});

test('the memory is told in the tooltip: what waits, a pause, a mode that does not learn', () => {
  const memory = { enabled: true, mode: 'learn', closedWaiting: 3, sleepAfter: 100, state: 'awake' } as const;
  const tip = (more: Partial<NonNullable<HostStatus['memory']>>): string =>
    statusLine({ kind: 'connected', status: { ...ready, memory: { ...memory, ...more } } }).tooltip;
  expect(tip({})).toContain('Memory: 3 of 100 conversations wait, awake');
  expect(tip({ paused: {} })).toContain('learning is paused');
  expect(tip({ mode: 'log' })).toContain('Memory: records, does not learn');
  expect(tip({ mode: 'off', enabled: false })).toContain('Memory: off');
});
