// `npm run prove:memory`: tells a fictional user to a real host, lets it sleep, and asks what it remembers; exits 1 below a `must`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commit, machine, printRows } from './bench/report.ts';
import { removeHome } from './bench/serverProcess.ts';
import { ROOT, setup } from './lib/setup.mjs';
import { readPersonaFile } from './prove/personaFile.ts';
import { prove } from './prove/prove.ts';

const USAGE = `usage: npm run prove:memory [-- options]
  --seed N        another fictional user (default 1)
  --nights N      1 or 2 (default 2)
  --quick         base model, one night and forgetting, no control arms
  --persona FILE  somebody else's facts (scripts/prove/README.md says how it looks)
  --model FILE    instead of the default model
  --keep          leaves the Zell home of the proof where it is, and says where
  --json FILE     also writes the report to FILE`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    nights: { type: 'string', default: '2' },
    quick: { type: 'boolean', default: false },
    persona: { type: 'string' },
    model: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const nights = values.quick ? 1 : Number(values.nights);

if (values.help) {
  console.log(USAGE);
} else if (!Number.isInteger(seed) || seed < 0 || ![1, 2].includes(nights)) {
  console.error(`--seed takes a whole number, --nights 1 or 2.\n${USAGE}`);
  process.exitCode = 2;
} else {
  const given = values.persona === undefined ? undefined : readPersonaFile(values.persona);
  await setup({ dev: true });
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-prove-'));
  const started = performance.now();
  try {
    const { isa, rows, missing, arms } = await prove({
      seed,
      nights,
      quick: values.quick,
      given,
      model: values.model === undefined ? defaultModel() : path.resolve(values.model),
      home,
      say: (line) => console.error(line),
    });
    const minutes = (performance.now() - started) / 60_000;
    const { cpu, cores, memoryBytes, system } = machine();
    console.log(`${cpu}, ${cores} cores, ${isa}; commit ${commit(ROOT)}, seed ${seed}, ${minutes.toFixed(1)} min`);
    printRows(rows);
    for (const line of missing) console.log(`missing: ${line}`);
    if (values.json !== undefined) {
      const report = {
        machine: { cpu, cores, memoryBytes, system, isa },
        commit: commit(ROOT),
        seed,
        minutes,
        missing,
        rows,
        arms,
      };
      writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    // What could not be measured proves nothing: it is a failure like a miss.
    if (missing.length > 0 || rows.some(({ must, met }) => must !== null && met !== true)) process.exitCode = 1;
  } finally {
    if (values.keep) console.error(`The home of the proof is ${home}.`);
    else removeHome(home);
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
