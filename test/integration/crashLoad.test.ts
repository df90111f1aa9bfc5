// kill -9 of the engine while it answers many: who was being answered gets an error of its dialect, everybody else an answer, and the
// log keeps what was said.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storedEvents } from '../helpers/eventFiles.ts';
import { LongStream, type Dialect } from '../helpers/longStreams.ts';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();
/** How a stream ends that could not be finished. */
const BROKEN: Readonly<Record<Dialect, RegExp>> = {
  openai: /\ndata: \{"error":\{"message":"[^"]+".*\}\}\n\ndata: \[DONE\]\n\n$/,
  anthropic: /\nevent: error\ndata: \{"type":"error","error":\{"type":"\w+","message":"[^"]+"\}.*\}\n\n$/,
  ollama: /\n\{"error":"[^"]+"\}\n$/,
  llamacpp: /\ndata: \{"error":\{.*"message":"[^"]+".*\}\}\n\n$/,
};
const DIALECTS = Object.keys(BROKEN) as Dialect[];

describe.skipIf(unavailable !== undefined)('kill -9 of the engine under load', () => {
  let home: ZellHome;
  let host: RunningHost;
  beforeAll(async () => {
    home = await ZellHome.make();
    host = await home.serve();
  });
  afterAll(() => home.remove());

  const user = (text: string) => ({ messages: [{ role: 'user', content: text }], max_tokens: 3 });
  const short = (mark: string): Promise<Response>[] => [
    host.send('/v1/chat/completions', user(`${mark}-0`)),
    host.send('/v1/messages', user(`${mark}-1`)),
    host.send('/api/chat', { ...user(`${mark}-2`), stream: false, options: { num_predict: 3 } }),
    host.send('/completion', { prompt: `${mark}-3`, n_predict: 3 }),
    host.send('/tokenize', { content: mark }),
    host.send('/v1/messages/count_tokens', user(mark)),
  ];

  test('every client is told in its dialect, later ones are answered, no event is lost', async () => {
    for (const response of await Promise.all(short('before'))) expect(response.status).toBe(200);
    // As many as the engine runs at a time.
    const streams = [...DIALECTS, ...DIALECTS].map((dialect) => new LongStream(host, dialect));
    await until('all of them stream', () => streams.every((stream) => stream.pieces >= 3), 60_000);
    process.kill(host.enginePid, 'SIGKILL');
    // These come to a host that does not know it yet.
    const unlucky = short('during');
    await Promise.all(streams.map((stream) => stream.ended));
    for (const { dialect, text } of streams) {
      expect(text).toMatch(BROKEN[dialect]);
      expect(text).not.toMatch(/"stop_reason":"end_turn"|"done":true/);
    }
    const statuses = (await Promise.all(unlucky)).map(({ status }) => status);
    expect(statuses).toEqual(unlucky.map(() => 200));
    for (const response of await Promise.all(short('after'))) expect(response.status).toBe(200);
    expect((await host.health()).queue).toMatchObject({ running: 0, waiting: 0 });

    await host.stop();
    const said = storedEvents(home.folder).map(({ record }) => record.prompt);
    for (const mark of ['before', 'during', 'after'])
      for (const n of [0, 1, 2, 3]) expect(said.filter((prompt) => prompt.includes(`${mark}-${n}`))).toHaveLength(1);
  });
});
