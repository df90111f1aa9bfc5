/** Opens the port: the one asked for, or the next free one after the default when somebody else has it. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_PORT } from '#protocol/announcement.ts';
import { ZellError } from '#protocol/errors.ts';
import { askVersion } from './announcement.ts';

const PORTS_TRIED = 20;

export interface Listening {
  readonly port: number;
  /** One sentence for people when it is not the port they would expect. */
  readonly note?: string;
}

/**
 * @param wanted an explicit port (0: any free one) is taken or refused; undefined means the default or one of the next
 * @throws {ZellError} io when nothing could be opened
 */
export async function openPort(server: Server, host: string, wanted: number | undefined): Promise<Listening> {
  if (wanted !== undefined) {
    const failure = await tryListen(server, host, wanted);
    if (failure === undefined) return { port: portOf(server) };
    throw cannotOpen(host, wanted, failure);
  }
  const first = await tryListen(server, host, DEFAULT_PORT);
  if (first === undefined) return { port: DEFAULT_PORT };
  if (first !== 'EADDRINUSE') throw cannotOpen(host, DEFAULT_PORT, first);
  const owner = await ownerOf(host, DEFAULT_PORT);
  for (let port = DEFAULT_PORT + 1; port <= DEFAULT_PORT + PORTS_TRIED; port += 1) {
    if ((await tryListen(server, host, port)) === undefined) {
      return { port, note: `Port ${DEFAULT_PORT} is taken by ${owner}; Zell listens on ${port} instead.` };
    }
  }
  const failure = await tryListen(server, host, 0);
  if (failure !== undefined) throw cannotOpen(host, DEFAULT_PORT, failure);
  return {
    port: portOf(server),
    note: `Port ${DEFAULT_PORT} is taken by ${owner}; Zell listens on ${portOf(server)} instead.`,
  };
}

async function ownerOf(host: string, port: number): Promise<string> {
  const answer = await askVersion(host, port, 1000);
  if (answer === undefined) return 'another program';
  return answer.instance === undefined ? `Ollama ${answer.version}` : 'the Zell of another home folder';
}

/** @returns the system's error code, or undefined when it listens */
function tryListen(server: Server, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      server.off('listening', opened);
      resolve(error.code ?? 'EIO');
    };
    const opened = (): void => {
      server.off('error', failed);
      resolve(undefined);
    };
    server.once('error', failed);
    server.once('listening', opened);
    server.listen({ host, port, exclusive: true });
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function cannotOpen(host: string, port: number, code: string): ZellError {
  const why = code === 'EADDRINUSE' ? 'another program has it' : code;
  return new ZellError('io', `Port ${port} on ${host} cannot be opened: ${why}. Choose another one with --port.`);
}
