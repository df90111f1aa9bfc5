/** Streams, colours, interrupts and exit codes of the command line. */
import { CommanderError } from 'commander';
import { toWireError, ZellError } from '#protocol/errors.ts';
import { bytesText as formatBytes } from '../profile/sizes.ts';

/** What the exit code of `zell` means; the README and `--help` say the same. */
export const EXIT = { ok: 0, failure: 1, usage: 2, checkFailed: 3, notRunning: 4, interrupted: 130 } as const;

/** Thrown where the message is printed already. */
export class ExitError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** `zell run … | head -1` is no failure: when nobody reads any more, there is nothing left to do. */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.ok);
      throw error;
    });
  }
}

/** A terminal's Ctrl-C reaches the command and, a moment later, once more from a program around it (npm): that is one. */
const SAME_INTERRUPT_MS = 500;

/** Aborted by Ctrl-C (or SIGTERM); a second one ends at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort();
      } else if (performance.now() - first > SAME_INTERRUPT_MS) {
        process.exit(EXIT.interrupted);
      }
    });
  }
  return controller.signal;
}

/** One sentence that says what happened and what to do; never a stack. */
export function report(error: unknown, signal: AbortSignal): void {
  if (error instanceof ExitError || error instanceof CommanderError) return;
  if (signal.aborted) {
    if (process.stderr.isTTY) process.stderr.write('\n');
    return;
  }
  note(`${paint('red', 'zell:')} ${toWireError(error).message}`);
  if (process.env['ZELL_DEBUG'] !== undefined && error instanceof Error) note(error.stack ?? '');
}

export function exitCodeFor(error: unknown, signal: AbortSignal): number {
  if (error instanceof ExitError) return error.code;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (signal.aborted) return EXIT.interrupted;
  return ZellError.is(error, 'invalid_request') ? EXIT.usage : EXIT.failure;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined));
}

/** A line beside the output: what a person wants to know and a pipe does not. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

const CODES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

/** Colour only for eyes: a terminal, and no `NO_COLOR`. */
export function paint(style: keyof typeof CODES, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  const { NO_COLOR, TERM } = process.env;
  const plain = !stream.isTTY || (NO_COLOR !== undefined && NO_COLOR !== '') || TERM === 'dumb';
  return plain ? text : `\u001b[${CODES[style]}m${text}\u001b[0m`;
}

/** A line that is rewritten in place on a terminal and said in steps elsewhere. */
export class ProgressLine {
  #step = '';
  #tenth = -1;

  show(step: string, done: number, total: number): void {
    const tenth = total > 0 ? Math.floor((done / total) * 10) : -1;
    if (process.stderr.isTTY) {
      const figure = total > 0 ? ` ${Math.floor((done / total) * 100)} % of ${formatBytes(total)}` : '';
      process.stderr.write(`\r\u001b[K${step}${figure}`);
    } else if (step !== this.#step || (tenth > this.#tenth && done > 0)) {
      note(done > 0 && tenth >= 0 ? `${step}: ${tenth * 10} %` : step);
    }
    if (process.stderr.isTTY && step !== this.#step && this.#step !== '') this.#tenth = -1;
    this.#step = step;
    this.#tenth = tenth;
  }

  end(): void {
    if (process.stderr.isTTY && this.#step !== '') process.stderr.write('\r\u001b[K');
    this.#step = '';
  }
}

export { formatBytes };
