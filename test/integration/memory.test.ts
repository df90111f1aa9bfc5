// What passes through the API becomes memory: the record on disk, one turn each, no secrets, and nothing lost to a kill.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MemoryEvent, MemoryStatus } from '../../protocol/src/memory.ts';
import { connectHost, type HostClient } from '../../engine-host/src/host/hostClient.ts';
import { storedEvents, type StoredEvent } from '../helpers/eventFiles.ts';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}
const user = (content: string): Message => ({ role: 'user', content });

const unavailable = processesUnavailable();
let home: ZellHome;
let host: RunningHost;
beforeAll(async () => {
  if (unavailable !== undefined) return;
  home = await ZellHome.make();
  host = await home.serve();
});
afterAll(() => (unavailable === undefined ? home.remove() : undefined));

async function say(messages: readonly Message[], headers: Record<string, string> = {}, tokens = 6): Promise<string> {
  const body = { messages, max_tokens: tokens, temperature: 0 };
  const answer = await host.post<{ choices: { message: { content: string } }[] }>(
    '/v1/chat/completions',
    body,
    headers,
  );
  return answer.choices[0]!.message.content;
}
const turns = (): StoredEvent[] => storedEvents(home.folder).filter((event) => event.record.type === 'chat.turn');
const status = (): Promise<MemoryStatus> => home.json(['memory', 'status']);

/** What was recorded since the last call; recording follows the answer. */
let seen = 0;
async function fresh(count: number): Promise<StoredEvent['record'][]> {
  await until(`${count} new events`, () => turns().length >= seen + count);
  // One too many would come now.
  await sleep(150);
  const records = turns()
    .slice(seen)
    .map((event) => event.record);
  seen += records.length;
  expect(records).toHaveLength(count);
  return records;
}

describe.skipIf(unavailable !== undefined)('the memory', () => {
  beforeEach(() => {
    seen = turns().length;
  });

  test('an exchange becomes one record in the file of its day', async () => {
    const started = Date.now();
    const response = await say([{ role: 'system', content: 'Be kind.' }, user('Name a colour.')]);
    const [record] = await fresh(1);
    const { tokens } = await host.post<{ tokens: number[] }>('/tokenize', { content: response });
    const { modelHash } = await home.json<{ modelHash: string }>(['info']);
    expect(modelHash).toMatch(/^[0-9a-f]{16}$/);
    expect(Object.keys(record!)).toEqual(
      expect.arrayContaining(['v', 'event_id', 'timestamp', 'type', 'model', 'prompt', 'response', 'tokens', 'crc']),
    );
    expect(Object.keys(record!).at(-1)).toBe('crc');
    expect(record).toMatchObject({
      v: 1,
      type: 'chat.turn',
      model: modelHash,
      prompt: 'Name a colour.',
      response,
      tokens: tokens.length,
      conversation: expect.any(String) as string,
      origin: { kind: 'api', client: 'node' },
      data: { chain: expect.any(String) as string },
    });
    expect(record).not.toHaveProperty('consolidated');
    expect(record!['timestamp']).toBeGreaterThanOrEqual(started);
    expect(record!['timestamp']).toBeLessThanOrEqual(Date.now());
    const day = Math.floor(Number(record!['timestamp']) / 86_400_000);
    const file = home.path('conversations', modelHash, `${day}.jsonl`);
    expect(turns().at(-1)!.file).toBe(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  });

  test('an agent that resends its whole history adds only the new turn, whatever dialect it speaks', async () => {
    const history: Message[] = [user('My name is Ada.')];
    history.push({ role: 'assistant', content: await say(history) }, user('What is a loom?'));
    const anthropic = await host.post<{ content: { text: string }[] }>('/v1/messages', {
      model: 'x',
      max_tokens: 6,
      system: 'Agents rewrite this each time.',
      messages: history,
    });
    history.push({ role: 'assistant', content: anthropic.content[0]!.text }, user('And a punched card?'));
    const ollama = await host.post<{ message: { content: string } }>('/api/chat', {
      model: '',
      stream: false,
      messages: history,
      options: { num_predict: 6 },
    });
    const records = await fresh(3);
    expect(records.map((r) => r.prompt)).toEqual(['My name is Ada.', 'What is a loom?', 'And a punched card?']);
    expect(records.map((r) => r.response)).toEqual([history[1]!.content, history[3]!.content, ollama.message.content]);
    expect(new Set(records.map((r) => r['conversation'])).size).toBe(1);
    // Ids rise.
    const ids = records.map((r) => r.event_id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  test('a streamed answer and a stopped one are recorded with what came', async () => {
    // An answer that ends in the piece at which the reader stops would leave nothing to stop; fetch never settles then.
    const ask = { messages: [user('Count in words.')], stream: true, max_tokens: 400, ignore_eos: true };
    const abort = new AbortController();
    const response = await fetch(`${host.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask),
      signal: abort.signal,
    });
    let text = '';
    const decoder = new TextDecoder();
    await expect(
      (async () => {
        for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
          text += decoder.decode(bytes, { stream: true });
          if (text.split('"delta"').length > 5) abort.abort();
        }
      })(),
    ).rejects.toThrow(/abort/i);
    const [record] = await fresh(1);
    const parts = [...text.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map((m) => JSON.parse(m[1]!) as string);
    expect(parts.join('').length).toBeGreaterThan(0);
    expect(record!.response.startsWith(parts.join(''))).toBe(true);
    expect(record!['tokens']).toBeLessThan(400);
  });

  test('secrets never reach the disk', async () => {
    // Made up, and put together here so that no scanner takes this file for a leak.
    const secrets = [
      ['AKIA', 'Q7MZP2LXWV4TNB3K'].join(''),
      ['ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join(''),
      ['s3cret', 'Pw99x'].join(''),
    ];
    const text = `key ${secrets[0]!}, token ${secrets[1]!}, url postgres://app:${secrets[2]!}@db.local/x`;
    await say([user(`Repeat exactly: ${text}`)], {}, 60);
    const [record] = await fresh(1);
    expect(record!.prompt).toMatch(/^Repeat exactly: key ⟨secret:[\w-]+:[0-9a-f]{4}⟩, token ⟨secret:/);
    const counts = Object.values(record!['redacted'] as Record<string, number>);
    expect(counts.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(3);
    for (const file of filesBelow(home.folder)) {
      const content = readFileSync(file, 'latin1');
      for (const secret of secrets) expect(content.includes(secret), `${secret} in ${file}`).toBe(false);
    }
  });

  test('incognito, infill, raw token routes and counting leave nothing', async () => {
    await say([user('Not for the log, please.')], { 'x-zell-incognito': '1' });
    await host.post('/infill', { input_prefix: 'def not_for_the_log():', input_suffix: '', n_predict: 3 });
    await host.post('/tokenize', { content: 'not for the log' });
    await host.post('/v1/messages/count_tokens', { model: 'x', messages: [user('not for the log')] });
    await say([user('This one is.')]);
    const records = await fresh(1);
    expect(records[0]!.prompt).toBe('This one is.');
    for (const file of filesBelow(home.folder)) expect(readFileSync(file, 'latin1')).not.toMatch(/not.for.the.log/i);
  });

  test('off means off, also after a restart; on records again', async () => {
    expect(await home.json(['memory', 'off'])).toEqual({ enabled: false });
    await say([user('While it is off.')]);
    await host.stop();
    host = await home.serve();
    await say([user('While it is off.')]);
    expect(await status()).toMatchObject({ enabled: false });
    expect(await home.json(['memory', 'on'])).toEqual({ enabled: true });
    await say([user('While it is on.')]);
    expect((await fresh(1))[0]!.prompt).toBe('While it is on.');
    for (const file of filesBelow(home.folder)) expect(readFileSync(file, 'latin1')).not.toContain('While it is off');
  });

  test('status and list tell what is there', async () => {
    const all = turns();
    const now = await status();
    expect(Object.keys(now)).toEqual(expect.arrayContaining(['model', 'events', 'unconsolidated', 'consolidated']));
    expect(now).toMatchObject({
      model: all[0]!.record['model'],
      events: all.length,
      unconsolidated: all.length,
      consolidated: 0,
      state: 'awake',
      enabled: true,
    });
    expect(now.lastEventId).toBeGreaterThanOrEqual(all.at(-1)!.record.event_id);
    const list = await home.json<{ conversations: { title: string }[]; events: MemoryEvent[] }>(['memory', 'list']);
    const newest = all.map((event) => event.record.event_id).reverse();
    expect(list.events.map((event) => event.event_id)).toEqual(newest.slice(0, 20));
    expect(list.events[0]).toMatchObject({ prompt: 'While it is on.', consolidated: false });
    expect(list.conversations.map((c) => c.title)).toContain('My name is Ada.');
    const { events } = await home.json<{ events: MemoryEvent[] }>(['memory', 'list', '--limit', '2']);
    expect(events).toHaveLength(2);
  });

  test('clear erases every text and keeps the ids', async () => {
    const before = turns().map((event) => event.record.event_id);
    const { lastEventId } = await status();
    // Not without being told so: nobody can be asked here.
    expect((await home.zell(['memory', 'clear'])).code).toBe(2);
    expect(turns().every((event) => event.record.prompt !== '')).toBe(true);
    expect(await home.json(['memory', 'clear', '--yes'])).toEqual({ erased: before.length });
    const after = turns();
    expect(after.map((event) => event.record.event_id)).toEqual(before);
    for (const { record } of after) {
      expect(record).toMatchObject({ erased: true });
      expect(record.prompt).toBe('');
      expect(record.response).toBe('');
    }
    for (const file of filesBelow(home.path('conversations')))
      expect(readFileSync(file, 'utf8')).not.toMatch(/punched card|Name a colour/);
    expect((await home.json<{ events: MemoryEvent[] }>(['memory', 'list'])).events).toEqual([]);
    seen = after.length;
    await say([user('A new beginning.')]);
    expect((await fresh(1))[0]!.event_id).toBeGreaterThan(lastEventId);
  });

  // ZELL_EXCHANGES=10000 for more of them.
  test('thousands of exchanges while the front is killed again and again', async () => {
    const EXCHANGES = Math.max(400, Number(process.env['ZELL_EXCHANGES'] ?? 3_000));
    const LIVES = 20;
    const AT_ONCE = 8;
    /** So many answers may be out of which nothing was shown yet: what a kill can take stays countable, however fast the model is. */
    const UNSHOWN = 3 * AT_ONCE;
    /** Id → prompt of everything that a reader was shown. */
    const shown = new Map<number, string>();
    let next = 0;
    let answered = 0;
    // What is written down does not depend on the model, and a small one spends the time on writing.
    const small = await smallModel(home);
    const { events: before } = await status();
    await host.stop();
    host = await home.serve(small);
    for (let life = 1; life <= LIVES; life++) {
      const here = host;
      const target = Math.floor((EXCHANGES * life) / LIVES);
      const client = await connectHost(here.announcement, 'cli');
      const kill = new AbortController();
      /** Answered with some text (an empty answer is no event), and not shown yet. */
      const unshown = new Set<string>();
      const speak = async (): Promise<void> => {
        while (next < target) {
          if (unshown.size >= UNSHOWN) {
            await sleep(10);
            continue;
          }
          const prompt = `Exchange number ${next++}`;
          try {
            const response = await here.send('/v1/chat/completions', { messages: [user(prompt)], max_tokens: 2 });
            if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
            const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] };
            if (choices[0].message.content === '') continue;
            answered++;
            unshown.add(prompt);
          } catch (error) {
            if (!kill.signal.aborted) throw error;
          }
        }
      };
      const speaking = Promise.all(Array.from({ length: AT_ONCE }, speak));
      while (next < target) {
        for (const prompt of await collect(client, shown)) unshown.delete(prompt);
        await sleep(5);
      }
      if (life < LIVES) {
        // In the middle of the last ones.
        kill.abort();
        here.process.kill('SIGKILL');
        await Promise.all([here.ended, speaking]);
        host = await home.serve(small);
      } else {
        await speaking;
        await until('the last ones are there', async () => {
          await collect(client, shown);
          return [...shown.values()].includes(`Exchange number ${EXCHANGES - 1}`);
        });
      }
      client.close();
    }
    const { lastEventId, events } = await status();
    await host.stop();
    const stored = new Map<number, string>();
    for (const { record } of storedEvents(home.folder)) {
      expect(stored.has(record.event_id), `id ${record.event_id} twice`).toBe(false);
      stored.set(record.event_id, record.prompt);
    }
    for (const [id, prompt] of shown) expect(stored.get(id)).toBe(prompt);
    expect(Math.max(...stored.keys())).toBeLessThanOrEqual(lastEventId);
    const exchanges = [...stored.values()].filter((prompt) => prompt.startsWith('Exchange number'));
    expect(new Set(exchanges).size).toBe(exchanges.length);
    // Each kill may take what was on its way to the disk, and no more.
    expect(answered).toBeGreaterThan(0.9 * EXCHANGES);
    expect(exchanges.length).toBeGreaterThanOrEqual(answered - (LIVES - 1) * (UNSHOWN + AT_ONCE));
    expect(events).toBe(exchanges.length + before);
    console.log(`${exchanges.length} of ${EXCHANGES} exchanges stored, ${shown.size} shown before, ${LIVES - 1} kills`);
  }, 900_000);
});

/** The arguments of a host with one layer of random weights; where it cannot be made, with the default model. */
async function smallModel(of: ZellHome): Promise<readonly string[]> {
  const args = ['--port', '0'];
  if (oracleUnavailable() !== undefined) return args;
  const file = of.path('small.gguf');
  const shape = ['--layers', '1', '--width', '64', '--heads', '2', '--kv-heads', '1', '--ffn', '64', '--type', 'Q8_0'];
  const tool = path.join(await buildNativeTools(['zell_synthesize']), 'zell_synthesize');
  await promisify(execFile)(tool, [file, '--vocab-from', of.model, ...shape]);
  return [...args, '--model', file];
}

/** Adds the newest events that the host shows now to `shown`, and answers their prompts. Shown is on disk. */
async function collect(client: HostClient, shown: Map<number, string>): Promise<readonly string[]> {
  const { events } = await client.request('zell/memory/list', { limit: 100 }, AbortSignal.timeout(10_000));
  for (const event of events) {
    if (event.erased === true) continue;
    const before = shown.get(event.event_id);
    if (before !== undefined && before !== event.prompt) throw new Error(`id ${event.event_id} changed`);
    shown.set(event.event_id, event.prompt);
  }
  return events.map((event) => event.prompt);
}

/** Every file of a home but the models, which are not ours to read. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/models'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

if (unavailable !== undefined) test.skip(`no memory tests: ${unavailable}`);
