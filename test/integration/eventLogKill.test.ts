// The writer of the event log is killed again and again: nothing acknowledged is lost, no id is given twice.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scanDay } from '../../engine-host/src/store/dayFile.ts';
import { ROOT } from '../helpers/cache.ts';

const MODEL = '0123456789abcdef';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'zell-kill-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('killed again and again, nothing acknowledged is lost and no id is given twice', async () => {
  const script = path.join(folder, 'writer.mjs');
  await build({
    stdin: {
      contents: `
        import { EventLog } from './eventLog.ts';
        const log = await EventLog.open({ folder: process.argv[2], lock: { tryLock: () => 1, unlock() {} } });
        for (let i = 0; ; i++) {
          const batch = await Promise.all(Array.from({ length: 8 }, (_, j) =>
            log.append({ type: 'chat.turn', model: '${MODEL}', prompt: process.argv[3] + '-' + i + '-' + j, response: 'r'.repeat(500), tokens: 1 })));
          for (const r of batch) process.stdout.write(r.event_id + ' ' + r.prompt + '\\n');
        }`,
      resolveDir: path.join(ROOT, 'engine-host/src/store'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    logLevel: 'silent',
  });
  const log = path.join(folder, 'log');
  const acknowledged = new Map<number, string>();
  for (let life = 0; acknowledged.size < 10_000 && life < 200; life++) {
    const child = spawn(process.execPath, [script, log, `life${life}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const started = Date.now();
    // Let it write for a while that differs from life to life, then kill it wherever it is.
    while (text === '' && Date.now() - started < 10_000) await new Promise((r) => setTimeout(r, 5));
    await new Promise((r) => setTimeout(r, 40 + ((life * 37) % 160)));
    child.kill('SIGKILL');
    await new Promise((r) => child.once('close', r));
    for (const line of text.split('\n').slice(0, -1)) {
      const [id, prompt] = line.split(' ') as [string, string];
      expect(acknowledged.has(Number(id)), `id ${id} twice`).toBe(false);
      acknowledged.set(Number(id), prompt);
    }
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(10_000);
  const seen = new Map<number, string>();
  for (const name of readdirSync(path.join(log, MODEL)).filter((n) => n.endsWith('.jsonl'))) {
    await scanDay(path.join(log, MODEL, name), (record) => {
      if (record.type !== 'chat.turn') return;
      expect(seen.has(record.event_id), `id ${record.event_id} twice in the file`).toBe(false);
      seen.set(record.event_id, record.prompt);
    });
  }
  for (const [id, prompt] of acknowledged) expect(seen.get(id)).toBe(prompt);
}, 120_000);
