// Real text to measure with: this project's own documents and sources, the same bytes for every contestant.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../lib/setup.mjs';

const FOLDERS = ['docs', 'protocol/src', 'engine-host/src/engine/scheduler'];
const BYTES = 64 * 1024;

export function benchText(): string {
  const parts: string[] = [];
  for (const folder of FOLDERS) {
    const full = path.join(ROOT, folder);
    if (!existsSync(full)) continue;
    const names = readdirSync(full).filter((name) => /\.(md|ts)$/.test(name));
    for (const name of names.sort()) parts.push(readFileSync(path.join(full, name), 'utf8'));
  }
  return parts.join('\n').slice(0, BYTES);
}

/** The text as a file, for contestants that read one. */
export function writeText(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, benchText());
}
