// `npm run check`: types, lint, layers, formats, dead code. One line each, as they end; then `N passed, N failed, N skipped`.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '..');
const execute = promisify(execFile);

type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly output: string }
  | { readonly kind: 'skipped'; readonly reason: string };

interface Check {
  readonly name: string;
  readonly run: () => Promise<Outcome>;
}

const CHECKS: readonly Check[] = [
  { name: 'types', run: () => tool('tsc', ['-b']) },
  { name: 'lint and layers', run: () => tool('eslint', ['--max-warnings', '0', '.']) },
  {
    name: 'features apart, no circles',
    run: () =>
      tool('depcruise', [
        '--config',
        '.dependency-cruiser.cjs',
        'protocol/src',
        'extension/src',
        'engine-host/src',
        'webview-ui/src',
      ]),
  },
  { name: 'format of TypeScript', run: () => tool('prettier', ['--check', '--log-level', 'warn', '.']) },
  { name: 'format of C++', run: clangFormat },
  { name: 'docs/openapi.json', run: () => tool('tsx', ['scripts/openapi.ts', '--check']) },
  { name: 'dead code', run: () => tool('knip', ['--no-progress']) },
];

if (process.argv.includes('--help')) {
  console.log(`usage: npm run check\nRuns: ${CHECKS.map((check) => check.name).join('; ')}.`);
} else {
  await main();
}

/** First the types, whose declarations linting may read; then two at a time, as each keeps one core busy. */
async function main(): Promise<void> {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...CHECKS];
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const outcome = await check.run();
      count[outcome.kind]++;
      if (outcome.kind === 'passed') console.log(`ok   ${check.name}`);
      else if (outcome.kind === 'failed') console.log(`FAIL ${check.name}\n${outcome.output}`);
      else console.log(`skip ${check.name}: ${outcome.reason}`);
    }
  };
  const rest = waiting.splice(1);
  await worker();
  waiting.push(...rest);
  await Promise.all([worker(), worker()]);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  process.exitCode = count.failed === 0 ? 0 : 1;
}

function tool(name: string, args: readonly string[]): Promise<Outcome> {
  return command(path.join(ROOT, 'node_modules/.bin', name), args);
}

async function command(file: string, args: readonly string[]): Promise<Outcome> {
  try {
    await execute(file, [...args], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
    return { kind: 'passed' };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return { kind: 'failed', output: `${stdout}${stderr}` || message };
  }
}

/** Version 14 exactly: other versions format some lines in another way. */
async function clangFormat(): Promise<Outcome> {
  for (const name of ['clang-format-14', 'clang-format']) {
    const version = await execute(name, ['--version']).catch(() => undefined);
    if (version === undefined || !/version 14\./.test(version.stdout)) continue;
    const listed = await execute('git', ['ls-files', '-z', 'native/*.cc', 'native/*.h', 'native/*.inc'], { cwd: ROOT });
    return command(name, ['--dry-run', '-Werror', ...listed.stdout.split('\0').filter(Boolean)]);
  }
  return { kind: 'skipped', reason: 'no clang-format 14 (apt install clang-format-14)' };
}
