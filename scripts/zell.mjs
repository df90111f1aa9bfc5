// `npm run zell -- ARGS`: the command line from a clone, built when it has changed.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT, setup } from './lib/setup.mjs';

try {
  await setup();
  const child = spawn(process.execPath, [path.join(ROOT, 'dist/cli.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // The terminal sends Ctrl-C to both; the command decides how it ends.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
} catch (error) {
  console.error(error.expected ? error.message : `Setting up failed: ${error.message}`);
  process.exitCode = 1;
}
