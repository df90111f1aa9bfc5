// `npm run prove:memory`: tells a fictional user to a real host, lets it sleep, and asks what it remembers; exits 1 below a `must`.
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commit, machine, printRows } from './bench/report.ts';
import { removeHome } from './bench/serverProcess.ts';
import { defaultModel } from './lib/defaultModel.ts';
import { ROOT, setup } from './lib/setup.mjs';
import { makePersona, smaller } from './prove/persona.ts';
import { readPersonaFile } from './prove/personaFile.ts';
import { decodeRatioLarge, randomAdapterRatio } from './prove/largeShape.ts';
import { LEAST_UNKNOWN, prove, type Proof } from './prove/prove.ts';
import { decodeRows } from './prove/rows.ts';

const USAGE = `usage: npm run prove:memory [-- options]
  --seed N        another fictional user (default 1)
  --nights N      1 or 2 (default 2)
  --quick         base model, one night and forgetting, no control arms
  --decode        only the speed of answers with a random adapter, of the default model and of one with 1.5 billion weights
  --persona FILE  somebody else's facts (scripts/prove/README.md says how it looks)
  --model FILE    instead of the default model
  --facts N       only so many facts and nothing else told: a trial of the proof, which proves nothing
  --keep          leaves the folder of the proof where it is, and says where
  --resume DIR    goes on with a folder that --keep or a broken run left
  --json FILE     also writes the report to FILE, after each stage`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    nights: { type: 'string' },
    quick: { type: 'boolean', default: false },
    decode: { type: 'boolean', default: false },
    persona: { type: 'string' },
    model: { type: 'string' },
    facts: { type: 'string' },
    keep: { type: 'boolean', default: false },
    resume: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const wantedNights = values.nights === undefined ? (values.quick ? 1 : 2) : Number(values.nights);
const facts = values.facts === undefined ? undefined : Number(values.facts);

if (values.help) {
  console.log(USAGE);
} else if (
  !Number.isInteger(seed) ||
  seed < 0 ||
  ![1, 2].includes(wantedNights) ||
  !(facts === undefined || facts > 0)
) {
  console.error(`--seed takes a whole number, --nights 1 or 2, --facts a number.\n${USAGE}`);
  process.exitCode = 2;
} else if (values.resume !== undefined && !existsSync(values.resume)) {
  console.error(`There is no ${values.resume}.`);
  process.exitCode = 2;
} else if (values.decode) {
  await proveDecoding();
} else {
  const whole = makePersona(seed, values.persona === undefined ? undefined : readPersonaFile(values.persona));
  const persona = facts === undefined ? whole : smaller(whole, facts, LEAST_UNKNOWN);
  const nights = Math.min(wantedNights, persona.nights.length);
  await setup({ dev: true });
  const folder = values.resume ?? mkdtempSync(path.join(os.tmpdir(), 'zell-prove-'));
  const started = performance.now();
  let complete = false;
  try {
    const proof = await prove({
      seed,
      nights,
      quick: values.quick,
      persona,
      model: values.model === undefined ? defaultModel() : path.resolve(values.model),
      folder,
      unknown: facts === undefined ? LEAST_UNKNOWN : 0,
      say: (line) => console.error(line),
      onPartial: (partial) => writeReport(partial),
    });
    const { isa, rows, missing } = proof;
    const { cpu, cores, system } = machine();
    console.log(
      `${cpu}, ${cores} cores, ${system}, ${isa}; commit ${commit(ROOT)}, seed ${seed}, ${minutes().toFixed(1)} min`,
    );
    printRows(rows);
    for (const { name, verdict } of proof.nights)
      for (const reason of verdict?.failed ?? []) console.log(`${name}: ${reason}`);
    for (const line of missing) console.log(`missing: ${line}`);
    writeReport(proof);
    complete = missing.length === 0;
    // What could not be measured proves nothing: it is a failure like a miss.
    if (missing.length > 0 || rows.some(({ must, met }) => must !== null && met !== true)) process.exitCode = 1;
  } finally {
    // What a broken run has done is not lost.
    if (values.keep || !complete)
      console.error(`The folder of the proof is ${folder}; --resume ${folder} goes on there.`);
    else removeHome(folder);
  }

  function minutes(): number {
    return (performance.now() - started) / 60_000;
  }

  function writeReport({ isa, rows, missing, arms, nights: slept }: Proof): void {
    if (values.json === undefined) return;
    const { cpu, cores, memoryBytes, system } = machine();
    const about = { machine: { cpu, cores, memoryBytes, system, isa }, commit: commit(ROOT), seed, minutes: minutes() };
    writeFileSync(values.json, `${JSON.stringify({ ...about, missing, rows, arms, nights: slept }, null, 2)}\n`);
  }
}

/** The two rows that need no user and no night. */
async function proveDecoding(): Promise<void> {
  await setup({ dev: true });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zell-prove-'));
  try {
    const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
    const { ratio, isa } = await randomAdapterRatio(model, folder);
    const large = await decodeRatioLarge(model, folder, (line) => console.error(line));
    const rows = decodeRows(isa, ratio, large);
    printRows(rows);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`);
    if (rows.some(({ met }) => met !== true)) process.exitCode = 1;
  } finally {
    removeHome(folder);
  }
}
