// Random texts that grammars of JSON schemas let through, over the default model's vocabulary: all are valid, by ajv.
import { spawn } from 'node:child_process';
import path from 'node:path';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { defaultModel } from '../helpers/defaultModel.ts';
import { SCHEMAS } from '../helpers/jsonSchemas.ts';
import { buildNativeTools } from '../helpers/oracle.ts';
import { processesUnavailable } from '../helpers/processes.ts';

interface Line {
  readonly error?: string;
  readonly wrong?: number;
  readonly texts?: readonly string[];
}

/** Random texts of each constraint, and how often a mask was not what the tokens' bytes say. */
async function sampled(constraints: readonly unknown[], count: number): Promise<Line[]> {
  const tool = path.join(await buildNativeTools(['zell_grammar_samples']), 'zell_grammar_samples');
  const child = spawn(tool, [await defaultModel(), String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(constraints.map((c) => JSON.stringify(c)).join('\n'));
  let out = '';
  for await (const piece of child.stdout) out += String(piece);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test.skipIf(processesUnavailable() !== undefined)('random texts of more than 200 schemas are valid', async () => {
  const all = Object.values(SCHEMAS).flat();
  expect(all.length).toBeGreaterThanOrEqual(200);
  const lines = await sampled(
    all.map((schema) => ({ kind: 'json_schema', schema })),
    3,
  );
  expect(lines.length).toBe(all.length);
  for (const [i, schema] of all.entries()) {
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    const valid = ajv.compile(schema);
    const { error, wrong, texts = [] } = lines[i] ?? {};
    expect({ schema, error, wrong, texts: texts.length }).toEqual({ schema, error: undefined, wrong: 0, texts: 3 });
    for (const text of texts) {
      const value = JSON.parse(text) as unknown;
      expect({ schema, text, valid: valid(value) }).toEqual({ schema, text, valid: true });
    }
  }
});
