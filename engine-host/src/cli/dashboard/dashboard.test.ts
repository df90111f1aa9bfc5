import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { HostStatus } from '#protocol/editor.ts';
import type { ExpertUse } from '#protocol/survey.ts';
import { expertMap } from './expertMap.ts';
import { dashboardFrame, ratesBetween, type Sample } from './frame.ts';
import { live } from './live.ts';
import { paint, wantsColours } from './paint.ts';
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
    draftTokens: 4,
    draftAccepted: 3,
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
    disk: 0,
  });
  expect(ratesBetween(sample(1000, 100, 10), sample(1500, 100, 10))).toEqual({ answers: 0, prompts: 0, disk: 0 });
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
  expect(text).toContain('75 % found in memory, room for 70');
  expect(text).toContain('instead of 96: programs waited for memory');
  expect(text).toMatch(/Disk +– MB\/s {2}5\.0 GB read/);
  expect(text).toContain('4 tokens checked, 75 % of them right');
  expect(text).toContain('23 of 100 conversations until the next sleep');
  expect(text).toContain('training, step 40 of 200, loss 1.235, 277 tokens/s, 6 min left');
  expect(text).toContain('6.0 GB of 24 GB free, engine 412 MB');
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test('the plan of a model larger than memory beside what is used, and what its layers cost the disk', () => {
  const at = (ms: number, read: number): Sample => {
    const found = engine(1, 1);
    const { experts: _experts, ...stats } = found.stats;
    const layers = { bytesRead: read, waitedMs: 1500, matrices: 56, kept: 20, plannedKept: 28, shrunk: 'a limit' };
    const plan = { scratchBytes: 1e8, marginBytes: 2e9, kvBytes: 4e9 };
    const streaming = {
      strategy: 'streaming' as const,
      residentBytes: 3e9,
      cacheBytes: 5e8,
      expertsInMemory: 0,
      experts: 0,
      streamedBytes: 6e9,
    };
    const fit = { neededBytes: 9e9, availableBytes: 1e10, fits: true, kvTokens: 8192, plan, streaming };
    const of = { ...found.status, model: { ...found.status.model!, fit } };
    return { at: ms, machine, engine: { ...found, status: of, stats: { ...stats, layers } } };
  };
  const rates = ratesBetween(at(0, 1e9), at(500, 1.4e9));
  expect(rates?.disk).toBe(8e8);
  const text = dashboardFrame(at(500, 1.4e9), [rates!], { columns: 120, rows: 40 }).join('\n');
  expect(text).toContain('20 of 56 matrices in memory, 1.5 s waited');
  expect(text).toContain('instead of 28: a limit');
  expect(text).toMatch(/Disk +800 MB\/s {2}1\.4 GB read/);
  expect(text).toMatch(
    /Plan +3\.0 GB weights \+ 500 MB for the rest \+ 4\.0 GB keys and values \(f16\) at most \+ 100 MB steps; 2\.0 GB left/,
  );
  expect(text).toContain('engine 412 MB, keys and values 1.0 GB');
});

test('what holds the engine back is told', () => {
  const held = sample(0, 1, 1);
  const restraint = { duty: 0.5, memoryShort: false, reason: 'The machine is hot (98 °C).' };
  const text = dashboardFrame({ ...held, engine: { ...held.engine!, status: { ...status, restraint } } }, [], {
    columns: 80,
    rows: 40,
  });
  expect(text).toContain('Held      The machine is hot (98 °C).');
});

test('the map of experts says which are in memory and which are used', () => {
  const layer = (experts: number[], held: number[]): ExpertUse => ({
    tokens: 8,
    experts,
    inMemory: experts.map((_, e) => held.includes(e)),
  });
  const uniform = layer([1, 1, 1, 1, 1, 1, 1, 1], [0, 1]);
  const skewed = layer([20, 9, 3, 0, 0, 0, 4, 4], [0, 1, 2, 3]);
  // Used as the mean, or not at all.
  expect(expertMap([uniform, skewed], 40, 10)).toEqual(['  0 ▒▒······', '  1 █▓▒░····']);
  expect(expertMap([layer([0, 40, 0, 0], [0])], 40, 10)).toEqual(['  0 ░•··']);
  // A character for two experts, a row for two layers.
  expect(expertMap([uniform], 8, 10)).toEqual(['  0 ▒···']);
  expect(expertMap([uniform, uniform, skewed], 40, 2).map((line) => line.slice(0, 3))).toEqual(['0–1', '  2']);
  expect(expertMap([layer([0, 0], [])], 40, 10)).toEqual(['  0 ··']);
  for (let columns = 1; columns < 30; columns++)
    for (let rows = 0; rows < 6; rows++) {
      const lines = expertMap(
        Array.from({ length: 12 }, () => skewed),
        columns,
        rows,
      );
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(columns);
    }
});

test('the map gets what room is left, and needs some', () => {
  const layers = Array.from({ length: 32 }, () => ({ tokens: 1, experts: [1, 2], inMemory: [true, false] }));
  const with_ = sample(0, 1, 1);
  const at = { ...with_, engine: { ...with_.engine!, experts: layers } };
  const page = (rows: number): string => dashboardFrame(at, [], { columns: 80, rows }).join('\n');
  expect(page(70)).toContain('\n   31 ');
  expect(page(70)).toContain('on the disk');
  expect(page(28)).toMatch(/ {2}0–\d/);
  expect(page(16)).not.toContain('in memory, the darker');
});

test('colours change nothing but colours, and NO_COLOR or a dumb terminal gets none', () => {
  const lines = ['Zell', 'Held      hot', 'Answers   ▃█▅ ██░░', '  0 ▒▒··•·', 'q quits'];
  const painted = paint(lines);
  expect(painted.map((line) => line.replace(/\u001b\[\d*m/g, ''))).toEqual(lines);
  expect(painted[2]).toBe('Answers   \u001b[36m▃█▅\u001b[0m \u001b[36m██\u001b[0m\u001b[2m░░\u001b[0m');
  expect([{}, { NO_COLOR: '' }, { NO_COLOR: '1' }, { TERM: 'dumb' }].map((env) => wantsColours(env))).toEqual([
    true,
    true,
    false,
    false,
  ]);
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

test('live: it draws what it is shown, follows a resize, waits for an engine, and q leaves the terminal as it was', async () => {
  const terminal = new Terminal();
  let looks = 0;
  let attended = 0;
  const shown: ((sample: Sample) => void)[] = [];
  const running = live(
    {
      input: terminal,
      output: terminal,
      env: { NO_COLOR: '1' },
      nothing: () => ({ at: 0, machine }),
      attend: (show, ended) => {
        attended++;
        shown.push(show);
        show(sample(500 * ++looks, 100 * looks, looks));
        return new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
      },
    },
    AbortSignal.any([]),
  );
  expect(terminal.written).toContain('a [2Jmodel');
  expect(terminal.written.startsWith('\u001b[?1049h')).toBe(true);
  terminal.take();
  shown[0]?.(sample(1000, 300, 3));
  expect(terminal.take()).toContain('400 tokens/s');
  terminal.columns = 30;
  terminal.rows = 5;
  terminal.emit('resize');
  const small = terminal.take();
  expect(small.startsWith('\u001b[2J')).toBe(true);
  expect(small).toContain('\u001b[5;1H');
  expect(small).not.toContain('\u001b[6;1H');
  terminal.emit('data', 'q');
  await running;
  expect(terminal.take().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
  expect([attended, terminal.raw]).toEqual([1, [true, false]]);
  expect(terminal.listenerCount('data') + terminal.listenerCount('resize')).toBe(0);
});

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
