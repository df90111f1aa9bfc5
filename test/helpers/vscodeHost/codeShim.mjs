#!/usr/bin/env node
// Stands in for the `code` executable where only extension tests are asked of it, so that @vscode/test-electron works on the offline host.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const args = process.argv.slice(2);
if (args.includes('--version')) {
  console.log('1.139.1\nshim\nx64');
  process.exit(0);
}
const here = import.meta.dirname;
const tsx = path.resolve(here, '../../../node_modules/tsx/dist/cli.mjs');
const result = spawnSync(process.execPath, [tsx, path.join(here, 'inHost.ts'), ...args], { stdio: 'inherit' });
process.exit(result.status ?? 2);
