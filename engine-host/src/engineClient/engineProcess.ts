/** The engine child as a process: a pipe for frames, its output for the log, its end. */
import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';

export interface EngineProcessListener {
  data(bytes: Uint8Array): void;
  /** A line of its stdout or stderr. */
  line(text: string): void;
  /** Once, when it is gone or could not be started; `reason` in a few words. */
  exit(reason: string): void;
}

export interface EngineProcess {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  send(bytes: Uint8Array): void;
  /** Closes the pipe: the child ends by itself. */
  close(): void;
  /** SIGKILL. */
  kill(): void;
}

/** Descriptor of the pipe in the child. */
const PIPE_FD = 3;

/** Starts `script` on this very Node (inside the editor: on Electron, told to be Node). `more`: on top of this process's environment. */
export function spawnEngine(
  script: string,
  listener: EngineProcessListener,
  more: Readonly<Record<string, string>> = {},
): EngineProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ...more, ELECTRON_RUN_AS_NODE: '1' };
  // Meant for this process (an editor's debugger, for one); in the child it would load foreign code.
  delete env['NODE_OPTIONS'];
  const child = spawn(process.execPath, [script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  // Missing when the process could not even be created.
  const pipe = child.stdio[PIPE_FD] as Duplex | undefined;
  let gone = false;
  const exit = (reason: string): void => {
    if (gone) return;
    gone = true;
    pipe?.destroy();
    listener.exit(reason);
  };
  pipe?.on('data', (bytes: Uint8Array) => {
    if (!gone) listener.data(bytes);
  });
  // A child that closed its end without ending is of no use.
  pipe?.on('close', () => child.kill('SIGKILL'));
  pipe?.on('error', () => undefined);
  eachLine(child.stdout, (line) => listener.line(line));
  eachLine(child.stderr, (line) => listener.line(line));
  child.on('error', (error) => exit(`it could not be started: ${error.message}`));
  // `close` comes after the last output, but never when a grandchild holds the output open; `exit` always comes.
  child.on('close', (code, signal) => exit(describeExit(code, signal)));
  child.on('exit', (code, signal) => setTimeout(() => exit(describeExit(code, signal)), 50));
  return {
    pid: child.pid,
    send: (bytes) => {
      if (!gone) pipe?.write(bytes);
    },
    close: () => void pipe?.end(),
    kill: () => void child.kill('SIGKILL'),
  };
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it ended with code ${code ?? 'unknown'}` : `it was ended by ${signal}`;
}

const LONGEST_LINE = 4096;

function eachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) if (line.trim() !== '') take(line.slice(0, LONGEST_LINE));
  });
  stream?.on('end', () => {
    if (rest.trim() !== '') take(rest);
  });
}
