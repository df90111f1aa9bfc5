// Sends one request of a soak and judges its answer.
import http from 'node:http';
import type { SoakRequest } from './mix.ts';

export interface Outcome {
  readonly what: 'answered' | 'refused' | 'left' | 'busy' | 'wrong';
  readonly ms: number;
  /** Of a wrong one. */
  readonly detail?: string;
  /** The answer held text that the log must have. */
  readonly kept: boolean;
}

const PATIENCE_MS = 120_000;
/** Text that somebody got, in whatever dialect. White space alone is nothing that a log keeps. */
const SOME_TEXT = /"(content|text|response)":\s?"(\\[nrt]|\s)*[^"\\\s]/;

export function send(port: number, agent: http.Agent, request: SoakRequest): Promise<Outcome> {
  const began = performance.now();
  return new Promise((resolve) => {
    let settled = false;
    const end = (what: Outcome['what'], detail?: string, kept = false): void => {
      if (settled) return;
      settled = true;
      clearTimeout(patience);
      clearTimeout(leaving);
      resolve({ what, ms: performance.now() - began, kept, ...(detail === undefined ? {} : { detail }) });
    };
    const { method, path, body = '', headers } = request;
    const length = method === 'POST' ? { 'content-length': Buffer.byteLength(body) } : {};
    const sent = http.request({ port, host: '127.0.0.1', agent, method, path, headers: { ...headers, ...length } });
    const patience = setTimeout(() => {
      end('wrong', 'no answer');
      sent.destroy();
    }, PATIENCE_MS);
    let leaving: NodeJS.Timeout | undefined;
    if (request.leaveAfterMs !== undefined)
      leaving = setTimeout(() => {
        end('left');
        sent.destroy();
      }, request.leaveAfterMs);
    sent.on('error', (error) => end('wrong', error.message));
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('error', (error) => end('wrong', error.message));
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        if (status === 503 || status === 529) end('busy');
        else if (!request.status.includes(status)) end('wrong', `${status} ${text.slice(0, 200)}`);
        else if (status >= 400) end(text.includes('error') ? 'refused' : 'wrong', text.slice(0, 200));
        else if (request.ending?.test(text) === false) end('wrong', `it ends with ${text.slice(-200)}`);
        else end('answered', undefined, request.mark !== undefined && SOME_TEXT.test(text));
      });
    });
    if (request.halfABody === true) sent.write(body.slice(0, body.length / 2));
    else sent.end(body);
  });
}
