/** Asks in a terminal before something that cannot be taken back. */
import { createInterface } from 'node:readline/promises';
import { ZellError } from '#protocol/errors.ts';

/** @param refusal what is said where nobody can be asked. @throws {ZellError} invalid_request: there is no terminal */
export async function confirmed(question: string, refusal: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new ZellError('invalid_request', refusal);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
