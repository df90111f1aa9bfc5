// Every architecture against the oracle: a tiny random model of each, teacher-forced. Rows: native/test/models/registry.cc.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildNativeTools, oracleBackend, oracleUnavailable } from '../helpers/oracle.ts';

const unavailable = oracleUnavailable();

interface Row {
  model: string;
  f32: number;
  quant: Record<string, { ours: number; oracle: number }>;
  ok: boolean;
}

describe.skipIf(unavailable !== undefined)('architectures against the oracle', () => {
  let folder: string;
  let tools: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-architectures-'));
    tools = await buildNativeTools(['zell_architectures']);
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('every random model: F32 logits equal, quantised ones as near as the oracle', async () => {
    const args = ['--backend', oracleBackend(), '--folder', folder];
    const [stdout, stderr] = await new Promise<[string, string]>((resolve) => {
      // A row that fails makes the exit code 1; the rows say which.
      execFile(path.join(tools, 'zell_architectures'), args, (_error, out, err) => resolve([out, err]));
    });
    const rows = stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
    expect(stderr).toBe('');
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) expect.soft(row.ok, JSON.stringify(row)).toBe(true);
  }, 300_000);
});

if (unavailable !== undefined) test.skip(`no comparison: ${unavailable}`);
