// The default model for measurements.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ROOT } from './setup.mjs';

/** Its path; fetched by the product's own command when it is not there yet. */
export function defaultModel(): string {
  const cli = path.join(ROOT, 'dist/cli.mjs');
  const answer = execFileSync(process.execPath, [cli, 'models', 'fetch', 'smollm2-135m', '--json'], {
    encoding: 'utf8',
  });
  return (JSON.parse(answer) as { path: string }).path;
}
