import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { HostStatus } from '#protocol/editor.ts';
import { dashboardFrame, ratesBetween, type Sample } from './frame.ts';
import { Screen } from './screen.ts';

const machine = { totalBytes: 24e9, availableBytes: 6e9 };
const status: HostStatus = {
  state: 'ready',
  detail: 'Ready.',
  version: '0.1.0',
  pid: 7,
  port: 11434,
  model: {
    name: 'a\u001b[2Jmodel',
    modelHash: 'fae5bdbc9fd1af45',
    path: '/m.gguf',
    architecture: 'llama',
    quantization: 'Q4_1',
    contextLength: 8192,
    kv: { type: 'f16', mostTokens: 8192, reason: 'there is room' },
  },
  tokensPerSecond: 0,
  queue: { running: 2, waiting: 1, slots: 8, maxWaiting: 64 },
  leases: 1,
  memory: {
    enabled: true,
    mode: 'learn',
    closedWaiting: 23,
    sleepAfter: 100,
    state: 'sleeping',
    sleep: {
      phase: 'training',
      reason: 'Training an adapter.',
      held: false,
      progress: { done: 0.2, step: 40, steps: 200, loss: 1.23456, tokensPerSecond: 277.4, leftMs: 301_000 },
    },
  },
};
const engine = (completionTokens: number, steps: number, pid = 7): NonNullable<Sample['engine']> => ({
  base: 'http://127.0.0.1:11434',
  status: { ...status, pid },
  stats: {
    queue: status.queue,
    promptTokens: 4 * completionTokens,
    promptMs: 0,
    completionTokens,
    decodeMs: 0,
    steps,
    stepSequences: 3 * steps,
    kvBlocksUsed: 25,
    kvBlocksTotal: 100,
    draftTokens: 0,
    draftAccepted: 0,
    lastTokensPerSecond: 0,
    residentBytes: 412e6,
    experts: { hits: 30, misses: 10, bytesRead: 5e9, room: 70, plannedRoom: 96, shrunk: 'programs waited for memory' },
  },
});
const sample = (at: number, tokens: number, steps: number, pid?: number): Sample => ({
  at,
  machine,
  engine: engine(tokens, steps, pid),
});

test('rates are what came between two looks; another engine begins anew', () => {
  expect(ratesBetween(sample(1000, 100, 10), sample(1500, 200, 60))).toEqual({
    answers: 200,
    prompts: 800,
    together: 3,
  });
  expect(ratesBetween(sample(1000, 100, 10), sample(1500, 100, 10))).toEqual({ answers: 0, prompts: 0 });
  expect(ratesBetween(undefined, sample(1, 1, 1))).toBeUndefined();
  expect(ratesBetween(sample(1000, 100, 10), sample(1500, 200, 60, 8))).toBeUndefined();
  expect(ratesBetween(sample(1000, 100, 10), sample(1500, 5, 1))).toBeUndefined();
  expect(ratesBetween(sample(1000, 100, 10), { at: 1500, machine })).toBeUndefined();
});

test('a page says speed, queue, memory and what learning does; no control character of a name gets through', () => {
  const history = [100, 400, 200].map((answers) => ({ answers, prompts: 0, together: 3 }));
  const text = dashboardFrame(sample(0, 1, 1), history, { columns: 100, rows: 40 }).join('\n');
  expect(text).toContain('a [2Jmodel  Q4_1  context 8,192');
  expect(text).toMatch(/Answers +200 tokens\/s {2}▃█▅/);
  expect(text).toContain('2 running, 1 waiting, 8 slots, 3.0 a step');
  expect(text).toContain('25 % of 8,192 tokens, f16');
  expect(text).toContain('75 % found in memory, 5.0 GB read');
  expect(text).toContain('room for 70 instead of 96: programs waited for memory');
  expect(text).toContain('23 of 100 conversations until the next sleep');
  expect(text).toContain('training, step 40 of 200, loss 1.235, 277 tokens/s, 6 min left');
  expect(text).toContain('6.0 GB of 24 GB free, engine 412 MB');
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test('every size of terminal gets a page that fits, with or without an engine', () => {
  const history = Array.from({ length: 400 }, (_, i) => ({ answers: i % 37, prompts: i }));
  for (const at of [sample(0, 1, 1), { at: 0, machine }])
    for (let columns = 1; columns <= 220; columns += 3)
      for (const rows of [1, 2, 5, 24, 60]) {
        const lines = dashboardFrame(at, history, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(columns);
      }
});

class Terminal extends EventEmitter {
  written = '';
  raw: boolean[] = [];
  columns = 80;
  rows = 24;
  write(text: string): void {
    this.written += text;
  }
  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
  resume(): void {}
  pause(): void {}
  take(): string {
    const { written } = this;
    this.written = '';
    return written;
  }
}

test('only lines that changed are written; a resize draws everything; the terminal is left as it was', () => {
  const terminal = new Terminal();
  let quits = 0;
  let resizes = 0;
  const screen = new Screen(
    terminal,
    terminal,
    () => quits++,
    () => resizes++,
  );
  screen.open();
  expect(terminal.take()).toBe('\u001b[?1049h\u001b[?25l');
  screen.draw(['one', 'two', 'three']);
  terminal.take();
  screen.draw(['one', '2', 'three']);
  expect(terminal.take()).toBe('\u001b[2;1H2\u001b[K');
  screen.draw(['one', '2', 'three']);
  expect(terminal.take()).toBe('');
  screen.draw(['one']);
  expect(terminal.take()).toBe('\u001b[2;1H\u001b[K\u001b[3;1H\u001b[K');
  terminal.emit('resize');
  expect(resizes).toBe(1);
  terminal.take();
  screen.draw(['one']);
  expect(terminal.take()).toBe('\u001b[1;1Hone\u001b[K');
  for (const key of ['x', 'q', '\u001b[A', '\u0003']) terminal.emit('data', Buffer.from(key));
  expect(quits).toBe(2);
  screen.close();
  screen.close();
  expect(terminal.take()).toBe('\u001b[?25h\u001b[?1049l');
  expect(terminal.raw).toEqual([true, false]);
  expect(terminal.listenerCount('data') + terminal.listenerCount('resize')).toBe(0);
});
