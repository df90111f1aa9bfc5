/** `engine.log`: JSON lines, 0600, rotated by size at start. Never prompt or reply text. */
import { chmodSync, closeSync, openSync, renameSync, statSync } from 'node:fs';
import pino, { type Logger } from 'pino';

const ROTATE_BYTES = 5 * 1024 * 1024;

/** Opens the log; the previous one is kept as `engine.log.1` when this one has grown too large. */
export function openLog(file: string, level = process.env['ZELL_LOG_LEVEL'] ?? 'info'): Logger {
  rotate(file);
  closeSync(openSync(file, 'a', 0o600));
  if (process.platform !== 'win32') chmodSync(file, 0o600);
  // Synchronous: a few lines an hour, and the last one before a crash is the one that matters.
  const sink = pino.destination({ dest: file, append: true, sync: true, mode: 0o600 });
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, sink);
}

function rotate(file: string): void {
  try {
    if (statSync(file).size > ROTATE_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // No log yet.
  }
}
