// `npm run soak`: thousands of mixed requests, many of them wrong or abandoned, against a real host; exits 1 when something was lost,
// stuck or grew.
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commit, machine } from './bench/report.ts';
import { removeHome } from './bench/serverProcess.ts';
import { defaultModel } from './lib/defaultModel.ts';
import { ROOT, setup } from './lib/setup.mjs';
import { samplingUnavailable } from './soak/samples.ts';
import { soak, type SoakReport } from './soak/soak.ts';
import { table } from './soak/table.ts';

const USAGE = `usage: npm run soak [-- options]
  --requests N   default 20000
  --seed N       another order of requests (default 1)
  --model FILE   instead of the default model
  --threads N    of the engine (default: physical cores)
  --json FILE    also writes the report to FILE`;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    model: { type: 'string' },
    threads: { type: 'string', default: '0' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [requests, seed, threads] = [values.requests, values.seed, values.threads].map(Number) as [
  number,
  number,
  number,
];
const unavailable = samplingUnavailable();

if (values.help) console.log(USAGE);
else if (![requests, seed, threads].every((n) => Number.isInteger(n) && n >= 0) || requests < 1) {
  console.error(`Numbers are whole.\n${USAGE}`);
  process.exitCode = 2;
} else if (unavailable !== undefined) {
  console.error(`A soak cannot run here: ${unavailable}.`);
  process.exitCode = 2;
} else {
  const report = await run();
  console.log(table(report));
  for (const failure of report.failures) console.error(`FAILED ${failure}`);
  if (report.failures.length > 0) process.exitCode = 1;
}

async function run(): Promise<SoakReport> {
  await setup({ dev: true });
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-soak-'));
  try {
    const model = values.model === undefined ? defaultModel() : path.resolve(values.model);
    const report = await soak({ model, home, requests, seed, threads, say: (line) => console.error(line) });
    if (values.json !== undefined) {
      const { cpu, cores, memoryBytes, system } = machine();
      const about = { machine: { cpu, cores, memoryBytes, system }, commit: commit(ROOT), seed };
      writeFileSync(values.json, `${JSON.stringify({ ...about, ...report }, null, 2)}\n`);
    }
    return report;
  } finally {
    removeHome(home);
  }
}
