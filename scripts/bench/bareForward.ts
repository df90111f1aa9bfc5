// The least that a streamed token can cost a Node process here: pieces from a pipe to an HTTP answer, untouched.
import { spawn } from 'node:child_process';
import http from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuNanoseconds } from './serverProcess.ts';

/** As many bytes as an event of one token has. */
const PIECE = Buffer.alloc(230, 'x');

const PROGRAM = `
const net = require('node:net'), http = require('node:http');
const pipe = new net.Socket({ fd: 3 });
const server = http.createServer((_, answer) => {
  answer.writeHead(200);
  answer.flushHeaders();
  pipe.on('data', (piece) => answer.write(piece));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/** Microseconds of CPU for each piece, pieces `gapMs` apart; NaN where the system does not say. */
export async function bareForward(gapMs: number, pieces: number): Promise<number> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
  try {
    const port = await new Promise<number>((resolve, reject) => {
      (child.stdout as Readable).once('data', (line: Buffer) => resolve(Number(String(line))));
      child.once('exit', () => reject(new Error('The forwarding process ended.')));
    });
    const request = http.get({ host: '127.0.0.1', port }, (response) => response.resume());
    request.on('error', () => undefined);
    await new Promise((resolve) => request.once('response', resolve));
    const pipe = child.stdio[3] as Writable;
    const send = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        pipe.write(PIECE);
        await sleep(gapMs);
      }
    };
    await send(pieces / 4);
    const before = cpuNanoseconds(child.pid ?? 0);
    await send(pieces);
    const after = cpuNanoseconds(child.pid ?? 0);
    return before === undefined || after === undefined ? Number.NaN : (after - before) / 1000 / pieces;
  } finally {
    child.kill('SIGKILL');
  }
}
