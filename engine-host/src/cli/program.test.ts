import { CommanderError } from 'commander';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { zellPaths } from '../host/paths.ts';
import { asJson, splitWords } from './commands/run.ts';
import { tellOnFirstRun } from './firstRun.ts';
import { buildProgram, type RunOptions } from './program.ts';
import { EXIT, ExitError, exitCodeFor, paint } from './terminal.ts';

const never = new AbortController().signal;
const run = vi.hoisted(() => vi.fn());
vi.mock('./commands/run.ts', async (original) => ({ ...(await original<object>()), run }));

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  run.mockReset();
});

const zell = (...argv: string[]): Promise<unknown> => buildProgram(never).parseAsync(['node', 'zell', ...argv]);
const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('one word is the prompt, two are model and prompt', async () => {
  expect(splitWords(['hi'])).toEqual([undefined, 'hi']);
  expect(splitWords(['m', 'hi'])).toEqual(['m', 'hi']);
  for (const words of [[], ['a', 'b', 'c'], [' ']]) expect(() => splitWords(words)).toThrow(ZellError);
});

test('options arrive as numbers; a prompt may look like an option behind --', async () => {
  await zell('run', '--max-tokens', '5', '--temperature', '0.5', '--seed', '7', '--system', 's', '--json', 'hi');
  const [words, options] = run.mock.calls[0] as [string[], RunOptions];
  expect(words).toEqual(['hi']);
  expect(options).toEqual({ maxTokens: 5, temperature: 0.5, seed: 7, system: 's', json: true, recall: true });
  await zell('run', '--no-recall', 'hi');
  expect((run.mock.calls[1] as [string[], RunOptions])[1].recall).toBe(false);
  await zell('run', '--', '--help me');
  expect((run.mock.calls[2] as [string[]])[0]).toEqual(['--help me']);
  await zell('ask', 'hi');
  expect((run.mock.calls[3] as [string[], RunOptions])[1].recall).toBe(true);
});

test('wrong usage ends with 2 and runs nothing', async () => {
  for (const argv of [
    ['run'],
    ['run', 'hi', '--max-tokens', '0'],
    ['run', 'hi', '--max-tokens', '1e9x'],
    ['run', 'hi', '--temperature', 'hot'],
    ['run', 'hi', '--temperature', '-1'],
    ['run', 'hi', '--seed', '4294967296'],
    ['run', 'hi', '--unknown'],
    ['nonsense'],
    ['models', 'nonsense'],
    ['memory', 'list', '--limit', '0'],
    ['batch', 'model'],
  ])
    expect([argv, exitCodeFor(await failure(zell(...argv)), never)]).toEqual([argv, EXIT.usage]);
  expect(run).not.toHaveBeenCalled();
});

test('help and version end with 0', async () => {
  for (const argv of [['--help'], ['--version'], ['run', '--help'], ['models', 'fetch', '--help']]) {
    const error = await failure(zell(...argv));
    expect(error).toBeInstanceOf(CommanderError);
    expect(exitCodeFor(error, never)).toBe(EXIT.ok);
  }
});

test('every failure has its exit code', () => {
  expect(exitCodeFor(new ExitError(EXIT.checkFailed), never)).toBe(3);
  expect(exitCodeFor(new ZellError('invalid_request', 'x'), never)).toBe(2);
  expect(exitCodeFor(new ZellError('io', 'x'), never)).toBe(1);
  expect(exitCodeFor(new ZellError('cancelled', 'x'), AbortSignal.abort())).toBe(130);
});

test('a network address needs a key, before anything starts', async () => {
  const error = await failure(zell('serve', '--host', '0.0.0.0'));
  expect((error as Error).message).toContain('--api-key');
  expect(exitCodeFor(error, never)).toBe(EXIT.usage);
});

test('no colour outside a terminal', () => expect(paint('red', 'x')).toBe('x'));

test('the shape of --json', () => {
  const answer = {
    text: 't',
    tokens: [1],
    finish: 'stop',
    promptTokens: 3,
    promptMs: 1.26,
    decodeTokens: 1,
    decodeMs: 2,
    memories: [],
  };
  expect(asJson('m', 10.04, answer)).toEqual({
    model: 'm',
    text: 't',
    tokens: [1],
    timings: { loadMs: 10, promptTokens: 3, promptMs: 1.3, decodeTokens: 1, decodeMs: 2 },
  });
});

test('the first run tells what is logged, in two lines, once', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'zell-first-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const paths = zellPaths({ ZELL_HOME: home });
  const lines: string[] = [];
  await tellOnFirstRun(paths, (line) => lines.push(line));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain(paths.conversations);
  expect(lines[1]).toContain('zell memory off');
  await tellOnFirstRun(paths, (line) => lines.push(line));
  expect(lines).toHaveLength(2);
  expect(JSON.parse(await readFile(path.join(home, 'first-run.json'), 'utf8'))).toMatchObject({ v: 1 });
});

test('clear-cache: what has expired, everything, or one model; one choice at a time', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'zell-clear-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  vi.stubEnv('ZELL_HOME', home);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const anchors = path.join(home, 'memory', 'anchors');
  await mkdir(anchors, { recursive: true });
  for (const hash of ['00112233445566aa', 'bb112233445566cc'])
    await writeFile(path.join(anchors, `${hash}.json`), '{}');
  const cleared = async (...argv: string[]): Promise<unknown> => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    written.mockClear();
    await zell('clear-cache', ...argv, '--json');
    return JSON.parse(written.mock.calls.map(([text]) => String(text)).join(''));
  };
  const one = [{ kind: 'anchors', files: 1, bytes: 2 }];
  expect(await cleared()).toEqual({ cleared: [], kept: 2 });
  expect(await cleared('bb1122')).toEqual({ cleared: one, kept: 1 });
  expect(await cleared('--all')).toEqual({ cleared: one, kept: 0 });
  expect(await failure(zell('clear-cache', '--all', '--old'))).toMatchObject({ code: 'invalid_request' });
  expect(await failure(zell('clear-cache', 'no such model'))).toMatchObject({ code: 'model_not_found' });
});
