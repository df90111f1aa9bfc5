#!/usr/bin/env node
/** Entry of `cli.mjs`: the `zell` command. */
import { endOnBrokenPipe, exitCodeFor, interruptSignal, report } from './terminal.ts';
import { buildProgram } from './program.ts';

endOnBrokenPipe();
const signal = interruptSignal();
buildProgram(signal)
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    report(error, signal);
    process.exitCode = exitCodeFor(error, signal);
  });
