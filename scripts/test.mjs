// `npm test [-- RING …]`: the four rings from a bare clone. Ends with `N passed, N failed, N skipped` over all of them.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT, configure, parallel, seconds, setup } from './lib/setup.mjs';
import { run, versionOf } from './lib/run.mjs';

const ARTIFACTS = path.join(ROOT, 'test-artifacts');
const RINGS = {
  check,
  unit: () => vitest('unit'),
  native,
  integration: () => vitest('integration'),
  ui: () => vitest('ui'),
};

/** What failed and why, said again at the end: a log that is cut from the front still tells. */
const failures = [];

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
if (process.argv.includes('--help')) {
  console.log(`usage: npm test [-- RING …]\nRings: ${Object.keys(RINGS).join(', ')}; all when none is named.`);
} else {
  process.exitCode = await main(wanted.length > 0 ? wanted : Object.keys(RINGS));
}

async function main(names) {
  for (const name of names) {
    if (!(name in RINGS)) {
      console.error(`no ring is called ${name}: ${Object.keys(RINGS).join(', ')}`);
      return 2;
    }
  }
  try {
    await setup({ dev: true });
  } catch (error) {
    console.error(error.expected ? error.message : `Setting up failed: ${error.message}`);
    console.log('0 passed, 1 failed, 0 skipped');
    return 1;
  }
  mkdirSync(ARTIFACTS, { recursive: true });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const table = [];
  for (const name of names) {
    const started = Date.now();
    console.log(`\n== ${name}`);
    let result;
    try {
      result = await RINGS[name]();
    } catch (error) {
      console.error(error.message);
      failures.push(`${name}: ${error.message}`);
      result = { passed: 0, failed: 1, skipped: 0 };
    }
    table.push(
      `${name.padEnd(12)} ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped in ${seconds(started)}`,
    );
    for (const key of Object.keys(total)) total[key] += result[key];
  }
  for (const failure of failures) console.log(`\nFAILED ${failure.slice(0, 2000)}`);
  console.log(`\n${table.join('\n')}\n\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

/** Types, lint, layers, formats, dead code: one check each. */
async function check() {
  return counted('check', path.join(ROOT, 'node_modules/.bin/tsx'), [path.join(ROOT, 'scripts/check.ts')]);
}

async function vitest(project) {
  const file = path.join(ARTIFACTS, `${project}.json`);
  rmSync(file, { force: true });
  const args = [
    path.join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${file}`,
  ];
  let ended = true;
  try {
    await run(process.execPath, args, { cwd: ROOT, inherit: true });
  } catch {
    ended = false;
  }
  if (!existsSync(file)) {
    failures.push(`${project}: it ended without a report`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const result = {
    passed: report.numPassedTests,
    failed:
      report.numFailedTests +
      report.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0).length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  for (const { name, status, message, assertionResults } of report.testResults) {
    if (status === 'failed' && assertionResults.length === 0) failures.push(`${path.relative(ROOT, name)}\n${message}`);
    for (const test of assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped') console.log(`skip ${test.fullName}`);
      if (test.status === 'failed')
        failures.push(`${path.relative(ROOT, name)} ${test.fullName}\n${test.failureMessages.join('\n')}`);
    }
  }
  // A run that failed without a failed test (an unhandled rejection, a crash) is a failure all the same.
  if (!ended && result.failed === 0) {
    result.failed = 1;
    failures.push(`${project}: every test passed, but the run did not (an unhandled rejection, or a crash)`);
  }
  return result;
}

/**
 * Native tests under AddressSanitizer and UndefinedBehaviorSanitizer, the fuzz targets for a short while, and the kernels
 * of 64-bit Arm. Each is built on all cores; then the programs run side by side, as most of them keep one core busy.
 */
async function native() {
  const programs = [...(await sanitized()), ...(await fuzzers()), ...(await arm64())];
  programs.sort((a, b) => (b.cost ?? 0) - (a.cost ?? 0));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const worker = async () => {
    for (let program = programs.shift(); program !== undefined; program = programs.shift()) {
      const result = await program.run();
      for (const key of Object.keys(total)) total[key] += result[key];
    }
  };
  await Promise.all(Array.from({ length: Number(parallel()) }, worker));
  return total;
}

/** Programs with sanitizers: `{ run, cost }`; the dearest begin first, so that none is left alone at the end. */
async function sanitized() {
  const build = path.join(ROOT, 'native/build/sanitize');
  if (!existsSync(path.join(build, 'CMakeCache.txt')))
    await configure(build, [
      '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
      '-DZELL_TESTS=ON',
      '-DZELL_SANITIZE=ON',
      '-DZELL_ADDON=OFF',
    ]);
  await run('cmake', ['--build', build, '--parallel', parallel()], { cwd: ROOT });
  const list = JSON.parse(await run('ctest', ['--test-dir', build, '--show-only=json-v1']));
  const env = {
    ...process.env,
    ZELL_TEST_MODEL: await defaultModel(),
    ZELL_ORACLE_DIR: path.join(ROOT, 'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64'),
  };
  return list.tests.map((test) => ({
    cost: test.properties?.find((property) => property.name === 'COST')?.value,
    run: () => reported(test.name, test.command[0], test.command.slice(1), env),
  }));
}

/** The default model, fetched once into the cache folder; a test that needs it skips by name when it cannot be had. */
async function defaultModel() {
  const home = path.join(process.env.ZELL_CACHE ?? path.join(os.homedir(), '.cache/zell'), 'test-home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  try {
    const args = [path.join(ROOT, 'dist/cli.mjs'), 'models', 'fetch', 'smollm2-135m', '--json'];
    const output = await run(process.execPath, args, { env: { ...process.env, ZELL_HOME: home } });
    return JSON.parse(output.split('\n').find((line) => line.startsWith('{'))).path;
  } catch {
    return '';
  }
}

async function fuzzers() {
  const targets = ['gguf_fuzz', 'tokenizer_fuzz'].filter((name) =>
    existsSync(path.join(ROOT, `native/fuzz/${name}.cc`)),
  );
  const clang = await firstOf(['clang++', 'clang++-19', 'clang++-16', 'clang++-15', 'clang++-14']);
  if (clang === undefined)
    return targets.map((name) => skipped(name, 'no clang++ with libFuzzer (apt install clang libclang-rt-14-dev)'));
  const build = path.join(ROOT, 'native/build/fuzz');
  if (!existsSync(path.join(build, 'CMakeCache.txt')))
    await configure(build, [
      `-DCMAKE_CXX_COMPILER=${clang}`,
      '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
      '-DZELL_FUZZ=ON',
      '-DZELL_SANITIZE=ON',
      '-DZELL_ADDON=OFF',
    ]);
  await run('cmake', ['--build', build, '--parallel', parallel(), '--target', ...targets], { cwd: ROOT });
  const seconds = process.env.ZELL_FUZZ_SECONDS ?? '15';
  const limits = [`-max_total_time=${seconds}`, '-max_len=65536', '-rss_limit_mb=2048', '-print_final_stats=0'];
  const fuzz = async (name) => {
    try {
      await run(path.join(build, 'fuzz', name), [...limits, `-artifact_prefix=${ARTIFACTS}/`], { cwd: ARTIFACTS });
      console.log(`ok   ${name} (${seconds} s)`);
      return { passed: 1, failed: 0, skipped: 0 };
    } catch (error) {
      console.log(`FAIL ${name}\n${error.message}`);
      failures.push(`${name}\n${error.message.slice(-1500)}`);
      return { passed: 0, failed: 1, skipped: 0 };
    }
  };
  return targets.map((name) => ({ run: () => fuzz(name) }));
}

/** The kernels of 64-bit Arm, cross-compiled and run in qemu's user mode on three processors: each forces other tables. */
async function arm64() {
  const tests = ['dispatch_test', 'quant_test', 'vector_ops_test', 'attend_test', 'matmul_test'];
  const emulator = await firstOf(['qemu-aarch64-static', 'qemu-aarch64']);
  if (os.arch() === 'arm64' || emulator === undefined || (await versionOf('aarch64-linux-gnu-g++')) === undefined) {
    const why = os.arch() === 'arm64' ? 'this machine is one' : 'apt install g++-aarch64-linux-gnu qemu-user-static';
    return tests.map((name) => skipped(`${name} on emulated 64-bit Arm`, why));
  }
  const build = path.join(ROOT, 'native/build/aarch64');
  if (!existsSync(path.join(build, 'CMakeCache.txt')))
    await configure(build, [
      `-DCMAKE_TOOLCHAIN_FILE=${path.join(ROOT, 'native/aarch64.cmake')}`,
      '-DCMAKE_BUILD_TYPE=Release',
      // At -O3 the three kernel tables take four minutes to compile; their results are the same bits at any level.
      '-DCMAKE_CXX_FLAGS_RELEASE=-O1',
      '-DZELL_TESTS=ON',
      '-DZELL_ADDON=OFF',
    ]);
  await run('cmake', ['--build', build, '--parallel', parallel(), '--target', ...tests], { cwd: ROOT });
  return ['cortex-a53', 'cortex-a76', 'max'].flatMap((cpu) =>
    tests.map((name) => ({
      run: () => reported(`${name} on ${cpu}`, emulator, ['-cpu', cpu, path.join(build, name)]),
    })),
  );
}

function skipped(name, why) {
  const run = () => {
    console.log(`skip ${name}: ${why}`);
    return { passed: 0, failed: 0, skipped: 1 };
  };
  return { run };
}

async function reported(name, command, args, env) {
  const result = await counted(name, command, args, env);
  console.log(`${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
  return result;
}

/** Runs a program whose last line is the plain count; prints its output only when something failed or was skipped. */
async function counted(name, command, args, env) {
  let output;
  let ended = true;
  try {
    output = await run(command, args, { cwd: ROOT, env });
  } catch (error) {
    output = error.output ?? error.message;
    ended = false;
  }
  const line = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(output);
  const result = line
    ? { passed: +line[1], failed: +line[2], skipped: +line[3] }
    : { passed: 0, failed: 1, skipped: 0 };
  if (!ended && result.failed === 0) result.failed = 1;
  if (result.failed > 0) {
    console.log(output.slice(-12000));
    failures.push(`${name}\n${output.slice(-1500)}`);
  } else if (result.skipped > 0)
    console.log(
      output
        .split('\n')
        .filter((l) => l.startsWith('skip'))
        .join('\n'),
    );
  return result;
}

async function firstOf(commands) {
  for (const command of commands) if ((await versionOf(command)) !== undefined) return command;
  return undefined;
}
