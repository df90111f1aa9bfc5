// The proof of memory as `npm run prove:memory -- --quick` does it, on a tiny model of random weights: promoted, forgotten, gone back from.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GATE_LIMITS } from '../../engine-host/src/training/gate/gate.ts';
import { withHost } from '../../scripts/prove/host.ts';
import { makePersona, smaller } from '../../scripts/prove/persona.ts';
import { prove, type Proof, type ProveOptions } from '../../scripts/prove/prove.ts';
import { removeHome } from '../../scripts/bench/serverProcess.ts';
import { defaultModel } from '../helpers/defaultModel.ts';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';
import { processesUnavailable } from '../helpers/processes.ts';

const unavailable = processesUnavailable() ?? oracleUnavailable();
const SHAPE = '--layers 2 --width 128 --heads 4 --kv-heads 2 --ffn 512 --context 2048 --type F32 --tied --seed 5';
const FACTS = 7;
const UNKNOWN = 20;
/**
 * What a user may write into memory/sleep.json. Random weights know no language, so that nothing tells their adapter where a memory ends and
 * everything else begins: it changes what they would babble, and a few of its answers do not end. The rest of the gate is as ever.
 */
const SLEEP: NonNullable<ProveOptions['sleep']> = {
  anchors: 16,
  recipe: { rank: 32, alpha: 64, epochs: 10, learningRate: 3e-3, batchItems: 8, anchorShare: 0.375 },
  gate: { ...GATE_LIMITS, drift: 1.5, ended: 0.5 },
};

describe.skipIf(unavailable !== undefined)('the small proof of memory', () => {
  let folder: string;
  let options: ProveOptions;
  const said: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-small-proof-'));
    const model = path.join(folder, 'tiny.gguf');
    const tool = path.join(await buildNativeTools(['zell_synthesize']), 'zell_synthesize');
    await promisify(execFile)(tool, [model, '--vocab-from', await defaultModel(), ...SHAPE.split(' ')]);
    options = {
      seed: 1,
      nights: 1,
      quick: true,
      persona: smaller(makePersona(1), FACTS, UNKNOWN),
      model,
      folder: path.join(folder, 'proof'),
      sleep: SLEEP,
      unknown: 1,
      say: (line) => said.push(line),
    };
  }, 600_000);
  afterAll(() => {
    if (unavailable === undefined) removeHome(folder);
  });

  const row = (proof: Proof, id: string): number | null | undefined => proof.rows.find((r) => r.id === id)?.reached;

  test('a night’s adapter is let through and knows; the fact that is forgotten is gone, the others are known again', async () => {
    const proof = await prove(options);
    expect(proof.missing, said.join('\n')).toEqual([]);
    const [night, again] = proof.nights;
    expect([night?.promoted, again?.promoted], JSON.stringify(proof.nights)).toEqual([true, true]);
    expect(night?.verdict?.numbers['choiceAfter']).toBeGreaterThan(0.6);
    expect(row(proof, 'recall')).toBeGreaterThan(0);
    expect(row(proof, 'choice')).toBeGreaterThan(0.3);
    expect([row(proof, 'base-recall'), proof.arms['base']?.recall]).toEqual([0, 0]);
    for (const id of ['drift-prose', 'drift-code', 'drift-chat', 'false', 'eot', 'decode', 'sleep', 'choice'])
      expect(row(proof, id), id).toEqual(expect.any(Number));

    for (const id of ['forgotten-at-once', 'forgotten', 'forgotten-left', 'secrets'])
      expect(row(proof, id), id).toBe(0);
    expect(row(proof, 'forgotten-others')).toEqual(expect.any(Number));
    expect(again?.verdict?.numbers['choiceAfter']).toBeGreaterThan(0.6);

    // A proof that goes on in its folder does nothing twice.
    const lines = said.length;
    expect((await prove(options)).rows).toEqual(proof.rows);
    expect(said.slice(lines)).toEqual([]);
  }, 900_000);

  test('going back from the adapter that was made again leaves none: the one before had learnt what was forgotten', async () => {
    const home = path.join(options.folder, 'home');
    await withHost(options.model, home, async ({ client }) => {
      const never = new AbortController().signal;
      const { active, model, versions } = await client.request('zell/adapters/list', {}, never);
      expect(versions.map(({ state }) => state)).toEqual(['withdrawn', 'promoted']);
      expect(active).toBe(2);
      const auto = path.join(home, 'lora', `${model}_auto.lora`);
      expect(existsSync(auto)).toBe(true);
      expect(await client.request('zell/adapters/rollback', {}, never)).toEqual({ from: 2, to: null });
      expect(existsSync(auto)).toBe(false);
    });
  });
});

if (unavailable !== undefined) test.skip(`no small proof: ${unavailable}`);
