/** Entry of `host.mjs`: the engine-host as a process of its own, started by the editor or by a command. */
import { toWireError } from '#protocol/errors.ts';
import { runHostProgram } from './host/program.ts';

runHostProgram(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
    // Everything is closed; a handle that was forgotten must not keep a dead host alive.
    setTimeout(() => process.exit(), 2000).unref();
  },
  (error: unknown) => {
    console.error(toWireError(error).message);
    process.exit(1);
  },
);
