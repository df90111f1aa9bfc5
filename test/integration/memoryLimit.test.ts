// Models in control groups of twice to a tenth of the file's size. The program is built optimised: beside the native tests it is left
// out, because what sanitizers need themselves no plan knows of.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';

const run = promisify(execFile);
const unavailable = process.platform === 'linux' ? oracleUnavailable() : 'control groups are Linux’s';

test('models run or are refused within every limit, give memory back when asked for it, and nothing is killed', async ({
  skip,
}) => {
  if (unavailable !== undefined) skip(unavailable);
  const program = path.join(await buildNativeTools(['memory_limit_test']), '../memory_limit_test');
  const { stdout } = await run(program);
  const reason = /^skip \S+: (.*)$/m.exec(stdout)?.[1];
  if (reason !== undefined) skip(reason);
  const outcomes = [...stdout.matchAll(/^ {2}([\d.]+) of the file: (.*)$/gm)].map(([, share, what]) => [share, what]);
  const either: unknown = expect.stringMatching(/^(in memory|streams)$/);
  const ofOneModel = [
    ['2.00', 'in memory'],
    ['1.40', either],
    ['1.10', either],
    ['1.00', either],
    ['0.80', 'streams'],
    ['0.65', 'streams'],
    ['0.45', 'streams'],
    ['0.33', 'streams'],
    ['0.30', expect.stringMatching(/^(streams|refused)$/)],
    ['0.10', 'refused'],
  ];
  expect(outcomes).toEqual([...ofOneModel, ...ofOneModel]);
  expect(stdout).toMatch(/^[1-9]\d* passed, 0 failed, 0 skipped$/m);
}, 600_000);
