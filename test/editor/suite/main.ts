/** Runs inside the extension host, started by the editor; its promise is the verdict. */
import Mocha from 'mocha';
import { completionSuite } from './completion.ts';
import { manifestSuite } from './manifest.ts';

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false });
  // Puts `describe` and `it` into place, as loading a test file would.
  mocha.suite.emit('pre-require', globalThis, 'suite', mocha);
  manifestSuite();
  completionSuite();
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} failed`);
}
