// `npm run bench -- SUITE [--peers] [--json FILE] [--quick]`: measures, prints a table, exits 1 when a `must` is missed.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { EngineClient } from '../engine-host/src/engineClient/engineClient.ts';
import { ENGINE_THREADS, engineSuite } from './bench/engine.ts';
import { commit, machine, printTable, type BenchReport } from './bench/report.ts';
import { ROOT, setup } from './lib/setup.mjs';

const USAGE = `usage: npm run bench -- SUITE [--peers] [--json FILE] [--quick] [--model FILE]
Suites: engine (decode and prefill of one model).
  --peers   builds llama.cpp once into the cache folder and measures it in turn with ours
  --json    also writes the report to FILE
  --quick   two rounds instead of seven
  --model   a GGUF file instead of the default model`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    model: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || positionals.length !== 1) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (positionals[0] !== 'engine') {
  console.error(`No suite is called ${positionals[0] ?? ''}.\n${USAGE}`);
  process.exitCode = 2;
} else {
  await setup({ dev: true });
  const model = path.resolve(values.model ?? defaultModel());
  const engine = new EngineClient({ script: path.join(ROOT, 'dist/engine.mjs') });
  const never = new AbortController().signal;
  try {
    await engine.start();
    await engine.load(model, { threads: ENGINE_THREADS }, () => undefined, never);
    const { rows, isa } = await engineSuite({
      peers: values.peers,
      quick: values.quick,
      model,
      ours: (promptTokens, decodeTokens) => engine.call('bench', { promptTokens, decodeTokens }, never),
      say: (line) => console.error(line),
    });
    const report: BenchReport = { machine: machine(isa), commit: commit(ROOT), rows };
    printTable(report);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    if (rows.some((row) => row.met === false)) process.exitCode = 1;
  } finally {
    await engine.stop();
  }
}

/** Fetched by the product's own command when it is not there yet. */
function defaultModel(): string {
  const cli = path.join(ROOT, 'dist/cli.mjs');
  const answer = execFileSync(process.execPath, [cli, 'models', 'fetch', 'smollm2-135m', '--json'], {
    encoding: 'utf8',
  });
  return (JSON.parse(answer) as { path: string }).path;
}
