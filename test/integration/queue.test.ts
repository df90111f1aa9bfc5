// A full queue: whoever is too much is told so at once, in its own dialect, while running answers go on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();
/** 8 slots and 64 places. */
const PLACES = 72;

describe.skipIf(unavailable !== undefined)('a full queue', () => {
  let home: ZellHome;
  let host: RunningHost;
  beforeAll(async () => {
    home = await ZellHome.make();
    host = await home.serve();
  });
  afterAll(() => home.remove());

  const generate = (signal: AbortSignal, at: number): Promise<void> =>
    fetch(`${host.url}/completion`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: `Story ${at}:`, n_predict: 4000, ignore_eos: true, stream: true }),
      signal,
    })
      .then((response) => response.text())
      .then(
        () => undefined,
        () => undefined,
      );

  test('one more is refused at once with Retry-After, and cancelling makes room', async () => {
    const everybody = new AbortController();
    const running = Array.from({ length: PLACES }, (_, i) => generate(everybody.signal, i));
    const queue = async (): Promise<{ running: number; waiting: number }> => (await host.health()).queue;
    await until('the queue is full', async () => (await queue()).running + (await queue()).waiting === PLACES, 30_000);
    const messages = [{ role: 'user', content: 'Hello' }];
    const dialects: readonly (readonly [route: string, body: object, status: number])[] = [
      ['/v1/chat/completions', { model: 'x', messages }, 503],
      ['/v1/messages', { model: 'x', messages, max_tokens: 5 }, 529],
      ['/api/chat', { model: '', messages }, 503],
      ['/completion', { prompt: 'Hello', n_predict: 5 }, 503],
      ['/v1/chat/completions', { model: 'x', messages, stream: true }, 503],
    ];
    const times: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (const [route, body, status] of dialects) {
        const begin = performance.now();
        const response = await host.send(route, body);
        times.push(performance.now() - begin);
        expect(response.status, route).toBe(status);
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        expect(await response.json()).toHaveProperty('error');
      }
    }
    expect(await queue()).toMatchObject({ running: 8, waiting: PLACES - 8 });
    everybody.abort();
    await Promise.all(running);
    await until('everybody is gone', async () => (await queue()).running + (await queue()).waiting === 0, 5000);
    expect((await host.send('/completion', { prompt: 'Hello', n_predict: 2 })).status).toBe(200);
    times.sort((a, b) => a - b);
    // What is asserted is loose; a busy machine must not fail a test.
    expect(times[times.length >> 1]).toBeLessThan(1000);
    console.log(
      `refused after ${times[times.length >> 1]!.toFixed(1)} ms (median), ${times.at(-1)!.toFixed(1)} ms (most)`,
    );
  });
});
