/** The engine child as a process: a pipe for frames, its output for the log, its end. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket, type ConnectOpts, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';

export interface EngineProcessListener {
  /** `bytes` hold them only during the call. */
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

/** Descriptors of the two ends of a stream; null where the system has none. */
export type StreamPair = () => readonly [own: number, child: number] | null;

interface SpawnOptions {
  /** On top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly streamPair?: StreamPair;
}

/** Starts `script` on this very Node (inside the editor: on Electron, told to be Node). */
export function spawnEngine(
  script: string,
  listener: EngineProcessListener,
  options: SpawnOptions = {},
): EngineProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env, ELECTRON_RUN_AS_NODE: '1' };
  const ends = options.streamPair?.() ?? null;
  // Meant for this process (an editor's debugger, for one); in the child it would load foreign code.
  delete env['NODE_OPTIONS'];
  const child = spawn(process.execPath, [script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', ends === null ? 'pipe' : ends[1]],
    windowsHide: true,
  });
  let gone = false;
  const take = (bytes: Uint8Array): void => {
    if (!gone) listener.data(bytes);
  };
  let pipe: Duplex | undefined;
  if (ends === null) {
    // Missing when the process could not even be created.
    pipe = child.stdio[PIPE_FD] as Duplex | undefined;
    pipe?.on('data', take);
  } else {
    closeSync(ends[1]);
    pipe = readInPlace(ends[0], take);
  }
  const exit = (reason: string): void => {
    if (gone) return;
    gone = true;
    pipe?.destroy();
    listener.exit(reason);
  };
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

const READ_BYTES = 65_536;

/** A socket that reads into one buffer, always the same: without the memory and the layers of a stream, which cost most of a small frame's way. */
function readInPlace(fd: number, take: (bytes: Uint8Array) => void): Duplex {
  const buffer = new Uint8Array(READ_BYTES);
  const callback = (bytes: number): boolean => {
    take(buffer.subarray(0, bytes));
    return true;
  };
  const options: SocketConstructorOpts & ConnectOpts = {
    fd,
    readable: true,
    writable: true,
    onread: { buffer, callback },
  };
  return new Socket(options);
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
