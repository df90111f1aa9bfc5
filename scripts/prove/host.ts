// The product's own host in the proof's home, as long as something is to be done with it.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectHost, type HostClient } from '../../engine-host/src/host/hostClient.ts';
import { several } from '../../engine-host/src/memory/several.ts';
import { THREADS } from '../bench/engine.ts';
import { startOurs, type Server } from '../bench/serverProcess.ts';

/** Requests at a time: the host answers as many side by side. */
const AT_ONCE = 4;
/** What one start leaves, and the next makes again. */
const OF_ONE_START = /[/\\](?:engine\.(?:json|lock|log)|system-prompts)$/;

export interface RunningHost {
  readonly server: Server;
  readonly client: HostClient;
}

/** Starts it, works with it, stops it. */
export async function withHost<T>(model: string, home: string, work: (host: RunningHost) => Promise<T>): Promise<T> {
  const server = await startOurs(model, THREADS, home);
  try {
    if (server.announcement === undefined) throw new Error('The host is not announced.');
    const client = await connectHost(server.announcement, 'cli');
    try {
      return await work({ server, client });
    } finally {
      client.close();
    }
  } finally {
    await server.stop();
  }
}

/** A home as it is now, to do things in that must leave no trace in it. No host runs there. */
export function copyHome(home: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(home, to, { recursive: true, filter: (file) => !OF_ONE_START.test(file) });
}

/** Greedy answers of the host to single questions in new conversations, with the memories that it looks up. */
export function askWithRecall(
  { server }: RunningHost,
  questions: readonly string[],
  tokens: number,
  step: (done: number, of: number) => void,
): Promise<string[]> {
  let done = 0;
  return several(questions, AT_ONCE, async (content) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-zell-client': 'cli', 'x-zell-recall': '1' },
      body: JSON.stringify({ messages: [{ role: 'user', content }], max_tokens: tokens, temperature: 0 }),
    });
    if (!response.ok) throw new Error(`The host answered with ${response.status}: ${await response.text()}`);
    const answer = (await response.json()) as { choices: readonly [{ message: { content: string } }] };
    step(++done, questions.length);
    return answer.choices[0].message.content;
  });
}

/** Waits until something is there. @throws {Error} when it is not in time */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > limitMs) throw new Error(`Waited in vain until ${what}.`);
    await sleep(50);
  }
}

export function removeFolder(folder: string): void {
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
