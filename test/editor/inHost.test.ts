/**
 * The suite of `suite/`, inside the extension host of the installed package: on the offline host, or on a desktop VS Code that is
 * downloaded when ZELL_DESKTOP_VSCODE is set.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { downloadAndUnzipVSCode, resolveCliArgsFromVSCodeExecutablePath, runTests } from '@vscode/test-electron';
import * as esbuild from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARTIFACTS, ROOT } from '../helpers/cache.ts';
import { defaultModel } from '../helpers/defaultModel.ts';
import { hostUnavailable, installHost } from '../helpers/vscodeHost/install.ts';
import { testVsix } from './testVsix.ts';
import { ZellProbe } from './zellProbe.ts';

const desktop = (process.env['ZELL_DESKTOP_VSCODE'] ?? '') !== '';
const unavailable = desktop ? undefined : hostUnavailable();
const SUITE = path.join(ARTIFACTS, 'suite');

describe.skipIf(unavailable !== undefined)(`inside the extension host${unavailable ? ` (${unavailable})` : ''}`, () => {
  let folder: string;
  let zell: ZellProbe;

  beforeAll(async () => {
    if (!desktop) await installHost();
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-suite-'));
    mkdirSync(path.join(folder, 'ws'));
    zell = new ZellProbe(path.join(folder, 'home'));
    await esbuild.build({
      absWorkingDir: ROOT,
      entryPoints: ['test/editor/suite/main.ts'],
      outfile: path.join(SUITE, 'main.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['vscode', 'mocha'],
      logLevel: 'silent',
    });
  });
  afterAll(async () => {
    await zell.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('the suite passes (its own report is above)', async () => {
    const vsix = await testVsix();
    const code = await runTests({
      vscodeExecutablePath: desktop ? await desktopWith(vsix) : path.join(ROOT, 'test/helpers/vscodeHost/codeShim.mjs'),
      extensionDevelopmentPath: SUITE,
      extensionTestsPath: path.join(SUITE, 'main.cjs'),
      launchArgs: [path.join(folder, 'ws')],
      extensionTestsEnv: { ZELL_HOME: zell.home, ZELL_MODEL_FILE: await defaultModel(), ZELL_TEST_VSIX: vsix },
    });
    expect(code).toBe(0);
  });
});

/** A downloaded VS Code into which the package was installed. */
async function desktopWith(vsix: string): Promise<string> {
  const executable = await downloadAndUnzipVSCode();
  const [cli = '', ...args] = resolveCliArgsFromVSCodeExecutablePath(executable);
  await promisify(execFile)(cli, [...args, '--install-extension', vsix, '--force']);
  return executable;
}
