// Runs commands for the scripts: quiet while all is well, the whole output when it is not.
import { spawn } from 'node:child_process';

/** Rejects with the command's own output when it fails. `inherit`: the command speaks to the terminal itself. */
export function run(command, args, { cwd, env, inherit = false, input } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: inherit ? 'inherit' : [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && command === 'npm',
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    if (input !== undefined) child.stdin.end(input);
    child.once('error', (error) => reject(Object.assign(error, { output })));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const error = new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}\n${output.slice(-8000)}`);
        reject(Object.assign(error, { output, exitCode: code ?? 1 }));
      }
    });
  });
}

/** The first line that `command --version` prints, or undefined when there is no such command. */
export async function versionOf(command, args = ['--version']) {
  try {
    return (await run(command, args)).split('\n')[0].trim();
  } catch {
    return undefined;
  }
}
