// `npm run bench -- SUITE [options]`: measures, prints tables, exits 1 when a `must` is missed.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { draftSuite } from './bench/draft.ts';
import { engineSuite } from './bench/engine.ts';
import { headSuite } from './bench/head.ts';
import { kvSuite } from './bench/kv.ts';
import { oversizedSuite } from './bench/oversized/suite.ts';
import { quantizeSuite } from './bench/quantize.ts';
import { printReport } from './bench/report.ts';
import { serverSuite } from './bench/server.ts';
import { trainSuite } from './bench/train.ts';
import { tokenizerSuite } from './bench/tokenizer.ts';
import { defaultModel } from './lib/defaultModel.ts';
import { ROOT, setup } from './lib/setup.mjs';

const USAGE = `usage: npm run bench -- SUITE [options]
Suites: engine (prefill, decode, depth, several sequences, load and memory, over a list of files),
  server (requests over HTTP: several users, prefixes, completions; beside llama-server; --ik and --model do not count),
  quantize (the default model in every type that zell quantize writes, beside llama.cpp's files; --quick, --only TYPE,
  --model and --json count),
  train (the native trainer; with --peers beside PyTorch and PEFT: loss curve, speed, memory; --only, --rounds, --model, --json count),
  kv (what keys and values in 8 and 4 bits cost, beside llama.cpp; --quick, --model and --json count),
  draft (answers with drafted tokens beside the same without; --only, --rounds, --model and --json count),
  head (a draft head: trained by the product's command, then used while layers come from the disk; --budget MINUTES, --rounds,
  --model and --json count),
  oversized (models larger than the memory that they get, beside llama.cpp; control groups hold memory and disk, so mostly as
  root; --big adds a Mixtral of 26 GB; --only SCENARIO, as in --only moe-45; --quick 8 minutes instead of 30),
  tokenizer (every vocabulary of llama.cpp's repository, beside llama.cpp; only --rounds, --quick and --json count).
  --peers      builds llama.cpp once into the cache folder and measures it in turn with ours
  --ik DIR     with --peers: also ik_llama.cpp, from a checkout of its sources (or ZELL_IK_LLAMA=DIR)
  --quick      two rounds instead of five, and three files: engine 5 minutes instead of 25
  --rounds N   instead of 5
  --only ROW   only measurements that begin with ROW, as in --only decode/1.5B --only load (server: users, busy, prefix, …)
  --model F    a GGUF file instead of the list
  --json F     also writes the report to F`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'boolean', default: false },
    big: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    ik: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    model: { type: 'string' },
    budget: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));

if (values.help || positionals.length !== 1) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (
  !['engine', 'server', 'quantize', 'kv', 'train', 'draft', 'head', 'oversized', 'tokenizer'].includes(
    positionals[0] ?? '',
  )
) {
  console.error(`No suite is called ${positionals[0] ?? ''}.\n${USAGE}`);
  process.exitCode = 2;
} else if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds takes a whole number of at least 1.`);
  process.exitCode = 2;
} else if (positionals[0] === 'tokenizer') {
  const rows = tokenizerSuite(ROOT, rounds);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rounds, rows }, null, 2)}\n`);
  if (rows.some((row) => !row.met)) process.exitCode = 1;
} else if (positionals[0] === 'quantize') {
  await setup({ dev: true });
  const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
  const { quick, only } = values;
  const rows = await quantizeSuite({ quick, only, model, say: (line) => console.error(line) });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`);
  if (rows.some((row) => !row.met)) process.exitCode = 1;
} else if (positionals[0] === 'train') {
  await setup({ dev: true });
  const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
  const { peers, only } = values;
  const rows = await trainSuite({ peers, rounds, only, model, say: (line) => console.error(line) });
  for (const row of rows) {
    console.log(
      `${row.id}: ${row.reached?.toPrecision(4) ?? 'not measured'} ${row.unit} (must ${String(row.must)}${row.aim === null ? '' : `, aim ${String(row.aim)}`}); ${row.note}`,
    );
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rounds, rows }, null, 2)}\n`);
  if (rows.some((row) => row.met === false)) process.exitCode = 1;
} else if (positionals[0] === 'draft') {
  await setup({ dev: true });
  const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
  const rows = await draftSuite({ rounds, only: values.only, model, say: (line) => console.error(line) });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rounds, rows }, null, 2)}\n`);
  if (rows.some((row) => !row.met)) process.exitCode = 1;
} else if (positionals[0] === 'head') {
  await setup({ dev: true });
  const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
  const budget = values.budget === undefined ? {} : { budget: Number(values.budget) };
  const rows = await headSuite({ rounds, model, ...budget, say: (line) => console.error(line) });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rounds, rows }, null, 2)}\n`);
  if (rows.some((row) => row.met === false)) process.exitCode = 1;
} else if (positionals[0] === 'kv') {
  await setup({ dev: true });
  const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
  const rows = await kvSuite({ quick: values.quick, model, say: (line) => console.error(line) });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`);
  if (rows.some((row) => row.met === false)) process.exitCode = 1;
} else {
  await setup({ dev: true });
  const say = (line: string): void => console.error(line);
  const { peers, quick, only } = values;
  const fork = values.ik ?? process.env['ZELL_IK_LLAMA'];
  const report =
    positionals[0] === 'server'
      ? await serverSuite({ peers, rounds, only, model: defaultModel(), say })
      : positionals[0] === 'oversized'
        ? await oversizedSuite({ peers, quick, big: values.big, rounds, only, defaultModel: defaultModel(), say })
        : await engineSuite({
            peers,
            quick,
            rounds,
            only,
            defaultModel: defaultModel(),
            ...(values.model === undefined ? {} : { model: path.resolve(values.model) }),
            ...(fork === undefined || fork === '' ? {} : { fork: path.resolve(fork) }),
            say,
          });
  printReport(report);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (report.rows.some((row) => row.met === false)) process.exitCode = 1;
}
