import { expect, test } from 'vitest';
import { installLine, missingPrerequisites, systemFamily } from './prerequisites.mjs';

const everything = (): Promise<string> => Promise.resolve('1.0');
const without =
  (...missing: string[]) =>
  (command: string): Promise<string | undefined> =>
    Promise.resolve(missing.includes(command) ? undefined : '1.0');

test('nothing is said when all is there', async () => {
  expect(await missingPrerequisites({ nodeVersion: '20.12.0', find: everything })).toEqual([]);
  expect(await missingPrerequisites({ nodeVersion: '24.1.0', find: everything })).toEqual([]);
});

test('an old Node is named with both versions', async () => {
  const [sentence] = await missingPrerequisites({ nodeVersion: '20.11.1', find: everything });
  expect(sentence).toMatch(/20\.12.*20\.11\.1/);
});

test.skipIf(process.platform === 'win32')('each missing tool has one sentence that says what to install', async () => {
  const saved = process.env['CXX'];
  delete process.env['CXX'];
  try {
    const compiler = await missingPrerequisites({ nodeVersion: '20.12.0', find: without('c++', 'g++', 'clang++') });
    expect(compiler).toEqual([`A C++20 compiler is missing: ${installLine('compiler')}`]);
    const cmake = await missingPrerequisites({ nodeVersion: '20.12.0', find: without('cmake') });
    expect(cmake).toEqual([`CMake is missing: ${installLine('cmake')}`]);
    const make = await missingPrerequisites({ nodeVersion: '20.12.0', find: without('make', 'ninja') });
    expect(make).toEqual([`make (or ninja) is missing: ${installLine('compiler')}`]);
    expect(await missingPrerequisites({ nodeVersion: '20.12.0', find: without('make') })).toEqual([]);
  } finally {
    if (saved !== undefined) process.env['CXX'] = saved;
  }
});

test('the words are those of the system', () => {
  expect(systemFamily('darwin', '')).toBe('mac');
  expect(systemFamily('win32', '')).toBe('windows');
  expect(systemFamily('linux', 'ID=fedora\n')).toBe('fedora');
  expect(systemFamily('linux', 'ID=arch\n')).toBe('arch');
  expect(systemFamily('linux', 'ID=debian\n')).toBe('debian');
  expect(installLine('cmake', 'debian')).toBe('apt install cmake');
  expect(installLine('python', 'mac')).toBe('brew install python');
});
