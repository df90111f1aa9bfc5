// A whole small sleep on the real program: said over HTTP, dreamt, trained in the trainer's process, measured, promoted, answered with.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterList } from '../../protocol/src/adapters.ts';
import type { MemoryStatus } from '../../protocol/src/memory.ts';
import { connectHost } from '../../engine-host/src/host/hostClient.ts';
import { storedEvents, type StoredEvent } from '../helpers/eventFiles.ts';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();
const SAID = 'My favourite colour is vermilion.';
/** What any user may write there; here it makes a small night of it. */
const SETTINGS = {
  anchors: 4,
  budgetMinutes: 5,
  fullSpeed: true,
  recipe: { rank: 8, alpha: 16, epochs: 1, learningRate: 2e-3, batchItems: 6, targets: 'middle-mlp' },
};

type Data = Readonly<Record<string, unknown>>;

describe.skipIf(unavailable !== undefined)('a whole sleep', () => {
  let home: ZellHome;
  let host: RunningHost;
  beforeAll(async () => {
    home = await ZellHome.make();
    mkdirSync(home.path('memory'), { recursive: true, mode: 0o700 });
    writeFileSync(home.path('memory', 'sleep.json'), JSON.stringify(SETTINGS));
    host = await home.serve();
  });
  afterAll(() => (unavailable === undefined ? home.remove() : undefined));

  const records = (): StoredEvent['record'][] => storedEvents(home.folder).map(({ record }) => record);
  const dataOf = (type: string): Data[] => records().flatMap((r) => (r.type === type ? [r['data'] as Data] : []));

  test('from what was said to an adapter that answers, or to the reasons why none does', async () => {
    const messages = [{ role: 'user', content: SAID }];
    await host.post('/v1/chat/completions', { messages, max_tokens: 6 });
    await until('it is recorded', () => records().length === 1);
    const client = await connectHost(host.announcement, 'cli');
    const { conversations } = await client.request('zell/memory/list', { limit: 10 }, AbortSignal.timeout(10_000));
    for (const { id } of conversations) await client.notify('zell/conversation/closed', { conversation: id });
    client.close();

    const { state, sleep, model } = await home.json<MemoryStatus>(['memory', 'sleep']);
    expect(state).toBe('awake');
    const last = sleep?.last;
    if (last === undefined) throw new Error(`no verdict: ${JSON.stringify(sleep)}`);
    console.log(last.words);

    // In the order of the log.
    const types = records().map(({ type }) => type);
    const marks = ['chat.turn', 'conversation.closed', 'card.made', 'conversation.dreamed', 'adapter.trained'];
    const order = [...marks, 'adapter.gated', ...(last.promoted ? ['adapter.promoted', 'sleep.finished'] : [])];
    const places = order.map((type) => types.indexOf(type));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(dataOf('sleep.changed').map(({ to }) => to)).toEqual([
      'drowsy',
      'dreaming',
      'training',
      'evaluating',
      'awake',
    ]);
    expect(dataOf('sleep.changed').at(-1)).toMatchObject({ reason: last.words });

    // The verdict has its numbers, whichever it is.
    const { active, versions, loaded } = await home.json<AdapterList>(['lora', home.model, 'list']);
    const verdict = versions[0]?.verdict;
    expect(versions).toHaveLength(1);
    expect(verdict).toMatchObject({ passed: last.promoted });
    for (const name of ['choiceAfter', 'recallAfter', 'drift prose', 'drift code', 'drift conversation', 'ended'])
      expect(verdict?.numbers[name], name).toEqual(expect.any(Number));
    expect(dataOf('adapter.gated')).toEqual([{ v: 1, version: 1, passed: last.promoted, scale: verdict?.scale }]);

    const auto = home.path('lora', `${model}_auto.lora`);
    if (last.promoted) {
      expect(statSync(auto).size).toBeGreaterThan(1000);
      expect({ active, state: versions[0]?.state }).toEqual({ active: 1, state: 'promoted' });
      expect(loaded).toMatchObject([{ scale: 1 }]);
      expect(dataOf('sleep.finished')).toMatchObject([{ ids: [1], adapter: versions[0]?.sha256 }]);
    } else {
      expect(existsSync(auto)).toBe(false);
      expect({ active, state: versions[0]?.state, loaded }).toEqual({ active: null, state: 'rejected', loaded: [] });
      expect(verdict?.failed.length).toBeGreaterThan(0);
      for (const reason of verdict?.failed ?? []) expect(last.words).toContain(reason);
      expect(types).not.toContain('sleep.finished');
    }

    // The bare model's texts are kept for the next night, and the host answers as before.
    expect(existsSync(home.path('memory', 'anchors', `${model}.json`))).toBe(true);
    await host.post('/v1/chat/completions', { messages, max_tokens: 2 });
  }, 300_000);
});

if (unavailable !== undefined) test.skip(`no sleep test: ${unavailable}`);
