// Forgetting is killed half-way, at every stage: the next start of the real program finishes it, and the text is nowhere any more.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../helpers/cache.ts';
import { storedEvents } from '../helpers/eventFiles.ts';
import { processesUnavailable } from '../helpers/processes.ts';
import { ZellHome } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();
const MODEL = '0123456789abcdef';

/** `script HOME WORD POINT`: something is said and learnt; it is being forgotten when the process dies at the named point. */
const SCRIPT = `
  import { writeFileSync } from 'node:fs';
  import path from 'node:path';
  import { Memory } from './memory/memory.ts';
  import { EventLog } from './store/eventLog.ts';
  import { AdapterStore } from './training/adapters/adapterStore.ts';
  const [, , home, word, point] = process.argv;
  const die = () => process.kill(process.pid, 'SIGKILL');
  const erase = EventLog.prototype.erase;
  EventLog.prototype.erase = async function (ids) {
    if (point === 'noted') die();
    const erased = await erase.call(this, ids);
    if (point === 'erased') die();
    return erased;
  };
  const redactor = { redact: async (texts) => texts.map((text) => ({ text, counts: {} })), close: async () => {} };
  const lock = { tryLock: () => 1, unlock() {} };
  const folders = { conversations: path.join(home, 'conversations'), memory: path.join(home, 'memory') };
  const memory = await Memory.open({ ...folders, lock, redaction: { redactor }, onProblem: console.error });
  const said = { model: '${MODEL}', messages: [{ role: 'user', content: 'My dog is called ' + word + '.' }] };
  await memory.record({ ...said, response: 'Noted: ' + word, tokens: 3, origin: { kind: 'api' } });
  for (const { id } of (await memory.list({ limit: 10 })).conversations) await memory.closeNow(id);
  await memory.dream(new AbortController().signal);
  const [card] = memory.cards(word);
  const adapters = new AdapterStore({
    folder: path.join(home, 'lora'),
    log: (model, { type, ...data }) => memory.note(model, type, data),
  });
  const file = path.join(home, 'trained');
  writeFileSync(file, 'an adapter that knows ' + word);
  const { version } = await adapters.adopt('${MODEL}', { file, run: point, by: 'sleep', events: card.sources, cards: [card.id] });
  await adapters.judge('${MODEL}', version, { passed: true, scale: 1, failed: [], numbers: {} });
  writeFileSync(file, '');
  memory.onForgotten(async () => { if (point === 'told') die(); });
  process.stdout.write('ready ');
  await memory.forget({ cards: [card.id] });
  process.stdout.write('survived');
`;

describe.skipIf(unavailable !== undefined)('killed while forgetting', () => {
  let home: ZellHome;
  let folder: string;
  let script: string;
  beforeAll(async () => {
    home = await ZellHome.make();
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-forget-'));
    script = path.join(folder, 'forget.mjs');
    const stdin = { contents: SCRIPT, resolveDir: path.join(ROOT, 'engine-host/src'), loader: 'ts' as const };
    // What reads secrets stays outside: the script brings its own.
    const external = ['@secretlint/*'];
    await build({
      stdin,
      external,
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: script,
      alias: { '#protocol': path.join(ROOT, 'protocol/src') },
      logLevel: 'silent',
    });
  });
  afterAll(async () => {
    if (unavailable !== undefined) return;
    await home.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const holding = (word: string): string[] =>
    readdirSync(home.folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/models'))
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(word));

  /** What a night and the prefix cache would have of it. */
  function leaveTraces(word: string): void {
    const night = home.path('memory', 'sleep', 'fedcba9876543210');
    for (const made of [night, home.path('system-prompts')]) mkdirSync(made, { recursive: true });
    writeFileSync(path.join(night, 'lesson.json'), JSON.stringify({ items: [word] }));
    writeFileSync(home.path('system-prompts', 'a.kv'), word);
  }

  test.each(['noted', 'erased', 'told'])('after "%s", the next start finishes it', async (point) => {
    const word = `Biscuit${point}`;
    const child = spawn(process.execPath, [script, home.folder, word, point], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const signal = await new Promise((resolve) => child.once('close', (_code, by) => resolve(by)));
    expect([said, signal]).toEqual(['ready ', 'SIGKILL']);
    leaveTraces(word);
    const pointer = home.path('lora', `${MODEL}_auto.lora`);
    expect(existsSync(pointer)).toBe(true);
    expect(holding(word).length).toBeGreaterThan(3);

    const host = await home.serve();
    expect(holding(word)).toEqual([]);
    expect(existsSync(pointer)).toBe(false);
    const cards = await home.json<{ cards: unknown[] }>(['memory', 'cards', word]);
    expect(cards.cards).toEqual([]);
    await host.stop();
    const events = storedEvents(home.folder).map(({ record }) => record);
    const of = events.findLast(({ type }) => type === 'memory.forgotten')?.event_id;
    const done = events.filter(({ type }) => type === 'erasure.done').at(-1);
    expect(done?.['data']).toEqual({ v: 1, of: [of], rebuild: [MODEL] });
    const manifest = readFileSync(home.path('lora', MODEL, 'manifest.json'), 'utf8');
    expect((JSON.parse(manifest) as { active: unknown }).active).toBeNull();
  });
});

if (unavailable !== undefined) test.skip(`no forgetting with kills: ${unavailable}`);
