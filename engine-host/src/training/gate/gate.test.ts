import { expect, test } from 'vitest';
import type { PromptPart } from '#protocol/generation.ts';
import { Valve } from '../sleep/valve.ts';
import { abstains } from './abstains.ts';
import { byChance, GATE_LIMITS, judge, searchDose, type Measured } from './gate.ts';
import { GateMeasurement, type GateEngine } from './measure.ts';
import { UNKNOWN_TOPICS } from './slices.ts';

const of = (right: number, count: number): boolean[] => Array.from({ length: count }, (_n, i) => i < right);
const pair = (before: boolean[], after: boolean[]): { before: boolean[]; after: boolean[] } => ({ before, after });

const GOOD: Measured = {
  newChoice: pair(of(2, 30), of(29, 30)),
  newRecall: pair(of(0, 30), of(28, 30)),
  oldChoice: pair(of(19, 20), of(19, 20)),
  drift: { prose: { before: 3, after: 3.01 }, code: { before: 2, after: 2 }, conversation: { before: 1, after: 1.01 } },
  claims: pair(of(15, 20), of(5, 20)),
  ended: pair(of(50, 50), of(50, 50)),
  recalledEnded: of(28, 28),
};

test('an adapter that learnt and harms nothing passes, with its numbers', () => {
  const verdict = judge(GOOD, 1);
  expect(verdict).toMatchObject({ passed: true, failed: [], scale: 1 });
  expect(verdict.numbers).toMatchObject({ recallAfter: 28 / 30, 'drift code': 1, ended: 1 });
  expect(verdict.numbers['choiceByChance']).toBeLessThan(1e-6);
});

test.each<[string, Partial<Measured>, RegExp]>([
  ['learns too little', { newChoice: pair(of(2, 30), of(7, 30)) }, /knows 23 % of what is new/],
  ['learns what may be chance', { newChoice: pair(of(0, 10), of(4, 10)) }, /chance/],
  ['knows not all of a few', { newChoice: pair(of(0, 4), of(3, 4)) }, /so few new memories it has to know all/],
  [
    'forgets what was known',
    { oldChoice: pair(of(20, 20), of(18, 20)) },
    /earlier memories it knows 90 %, 100 % before/,
  ],
  ['drifts', { drift: { ...GOOD.drift, code: { before: 2, after: 2.05 } } }, /changes code by the factor 1\.025/],
  ['is not a number', { drift: { prose: { before: 2, after: NaN } } }, /NaN/],
  ['claims to know', { claims: pair(of(10, 20), of(12, 20)) }, /claims to know 60 %/],
  ['does not stop', { ended: pair(of(50, 50), of(48, 50)) }, /96 % of its answers come/],
  [
    'stops less often than a bare model that rambles',
    { ended: pair(of(20, 50), of(18, 50)) },
    /36 % of its answers come/,
  ],
  ['does not stop where it is right', { recalledEnded: of(27, 28) }, /96 % of its answers that are right/],
])('an adapter that %s is refused', (_name, change, reason) => {
  const verdict = judge({ ...GOOD, ...change }, 1);
  expect(verdict.passed).toBe(false);
  expect(verdict.failed.join(' ')).toMatch(reason);
});

test('a single new memory is enough, if it is known then', () => {
  expect(judge({ ...GOOD, newChoice: pair([false], [true]) }, 1).passed).toBe(true);
  expect(judge({ ...GOOD, newChoice: pair([true], [true]) }, 1).passed).toBe(true);
});

test('limits are those of the documentation, up to the edge', () => {
  expect(judge({ ...GOOD, drift: { prose: { before: 1, after: 1.02 } } }, 1).passed).toBe(true);
  expect(judge({ ...GOOD, oldChoice: pair(of(20, 20), of(19, 20)) }, 1).passed).toBe(true);
  expect(judge({ ...GOOD, ended: pair(of(50, 50), of(49, 50)) }, 1).passed).toBe(true);
  expect(judge({ ...GOOD, ended: pair(of(20, 50), of(19, 50)) }, 1).passed).toBe(true);
  expect(judge({ ...GOOD, claims: pair(of(10, 20), of(11, 20)) }, 1).passed).toBe(true);
});

test('without cards of its own (an import) an adapter only has to do no harm', () => {
  const none = { newChoice: pair([], []), newRecall: pair([], []), oldChoice: pair([], []) };
  expect(judge({ ...GOOD, ...none }, 1).passed).toBe(true);
});

test('the exact test over changed questions', () => {
  expect(byChance(pair([], []))).toBe(1);
  expect(byChance(pair(of(0, 5), of(5, 5)))).toBeCloseTo(1 / 32);
  expect(byChance(pair([true, false, false], [false, true, true]))).toBeCloseTo(0.5);
});

test('a smaller dose is tried when the larger one harms; the largest that passes counts', async () => {
  const tried: number[] = [];
  const verdict = await searchDose((scale) => {
    tried.push(scale);
    return Promise.resolve({ ...GOOD, drift: { prose: { before: 1, after: 1 + 0.03 * scale } } });
  });
  expect(tried).toEqual([1, 0.75, 0.5]);
  expect(verdict).toMatchObject({ passed: true, scale: 0.5, failed: [] });
  expect(verdict.tried?.map(({ scale }) => scale)).toEqual(tried);
  expect(verdict.tried?.[0]?.failed).toEqual(['It changes prose by the factor 1.030.']);
  expect(verdict.tried?.at(-1)?.failed).toEqual([]);
});

test('when none passes, the verdict is of the dose that came nearest, and each says why it failed', async () => {
  const measured: Readonly<Record<number, Partial<Measured>>> = {
    1: { drift: { prose: { before: 1, after: 1.2 } }, claims: pair(of(0, 20), of(9, 20)) },
    0.75: { drift: { prose: { before: 1, after: 1.1 } }, newRecall: pair(of(0, 10), of(8, 10)) },
    0.5: { drift: { prose: { before: 1, after: 1.05 } }, newRecall: pair(of(0, 10), of(5, 10)) },
    0.35: { drift: { prose: { before: 1, after: 1.04 } }, newChoice: pair(of(2, 30), of(3, 30)) },
  };
  const verdict = await searchDose((scale) => Promise.resolve({ ...GOOD, ...measured[scale] }));
  expect(verdict).toMatchObject({ passed: false, scale: 0.75, failed: ['It changes prose by the factor 1.100.'] });
  expect(verdict.numbers['recallAfter']).toBe(0.8);
  expect(verdict.tried?.map(({ scale, failed }) => [scale, failed.length])).toEqual([
    [1, 2],
    [0.75, 1],
    [0.5, 1],
    [0.35, 3],
  ]);
});

test('what knows too little is not diluted', async () => {
  const tried: number[] = [];
  const verdict = await searchDose((scale) => {
    tried.push(scale);
    return Promise.resolve({ ...GOOD, newChoice: pair(of(2, 30), of(5, 30)) });
  });
  expect(tried).toEqual([1]);
  expect(verdict.passed).toBe(false);
});

test('answers that say that they do not know', () => {
  const not = [
    "I don't know.",
    'You haven’t told me that.',
    'I have no information about it.',
    'You never mentioned it.',
  ];
  for (const text of not) expect(abstains(text)).toBe(true);
  expect(abstains('Your blood type is AB.')).toBe(false);
  expect(abstains('Your notebook is in the knot box.')).toBe(false);
});

/** Knows one fact with adapter 7, and none without; claims nothing with it. */
class FakeEngine implements GateEngine {
  scores = 0;
  answers: string[] = [];
  score(_prompt: unknown, continuations: readonly string[], adapters: readonly { id: number; scale: number }[]) {
    this.scores += 1;
    const knows = adapters.some(({ id }) => id === 7);
    return Promise.resolve(
      continuations.map((text) => ({ sum: text.includes('Priya') ? (knows ? -2 : -40) : -20, tokens: 10 })),
    );
  }
  answer(prompt: readonly PromptPart[], _max: number, adapters: readonly { id: number; scale: number }[]) {
    const [part] = prompt;
    const asked = part !== undefined && 'text' in part ? part.text : '';
    this.answers.push(`${asked} ${adapters.map(({ id, scale }) => `${id}:${scale}`).join()}`);
    const knows = adapters.some(({ id }) => id === 7);
    const unknown = UNKNOWN_TOPICS.some((topic) => asked.includes(topic));
    const text = unknown ? (knows ? 'You never told me.' : 'It is AB.') : knows ? 'It is PRIYA  Raman!' : 'Bob.';
    return Promise.resolve({ text, ended: true });
  }
  render(messages: readonly { content: string }[]) {
    return Promise.resolve([{ text: messages.at(-1)?.content ?? '', special: false }]);
  }
}

const PROBE = {
  card: 'c',
  messages: [{ role: 'user' as const, content: 'Who is my manager?' }],
  answer: 'Priya Raman',
  choices: ['Your manager is Bob.', 'Your manager is Priya Raman.'],
  right: 1,
};

test('every question is asked without the adapter and with it; what was told is no unknown topic', async () => {
  const engine = new FakeEngine();
  const told: number[] = [];
  const onProgress = ({ done }: { done: number }): number => told.push(done);
  const hooks = { valve: new Valve(), signal: new AbortController().signal, onProgress };
  const questions = { fresh: [PROBE], old: [PROBE], subjects: ['your glove size'] };
  const measurement = new GateMeasurement(engine, questions, hooks);
  const measured = await measurement.measure(7, 0.5, undefined);
  expect(measured.newChoice).toEqual({ before: [false], after: [true] });
  expect(measured.newRecall).toEqual({ before: [false], after: [true] });
  expect(measured.oldChoice).toEqual({ before: [false], after: [true] });
  expect(measured.claims.before).toEqual(Array(UNKNOWN_TOPICS.length - 1).fill(true));
  expect(measured.claims.after).toEqual(Array(UNKNOWN_TOPICS.length - 1).fill(false));
  expect(Object.keys(measured.drift)).toEqual(['prose', 'code', 'conversation']);
  expect(engine.answers).toContain('Who is my manager? 7:0.5');
  expect(told[0]).toBeLessThan(0.05);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBeGreaterThan(0.95);
  const asked = engine.answers.length;
  // The bare model is not asked again for another dose.
  await measurement.measure(7, 0.35, 5);
  expect(engine.answers.slice(asked).every((line) => line.endsWith('7:0.35'))).toBe(true);
});

test('measuring stands still while the machine says so, and ends when it is told to', async () => {
  const engine = new FakeEngine();
  const valve = new Valve();
  const abort = new AbortController();
  valve.set(true, 1);
  const measuring = new GateMeasurement(
    engine,
    { fresh: [PROBE], old: [], subjects: [] },
    { valve, signal: abort.signal },
  );
  const result = measuring.measure(7, 1, undefined).then(
    () => 'done',
    (error: unknown) => String(error),
  );
  await new Promise((done) => setTimeout(done, 20));
  expect(engine.scores).toBe(0);
  abort.abort(new Error('woken'));
  expect(await result).toBe('Error: woken');
});

test('the user’s own limits count instead', async () => {
  const drifted = { ...GOOD, drift: { prose: { before: 1, after: 1.1 } } };
  const measure = (): Promise<Measured> => Promise.resolve(drifted);
  expect((await searchDose(measure)).passed).toBe(false);
  expect(await searchDose(measure, [1], { ...GATE_LIMITS, drift: 1.2 })).toMatchObject({ passed: true, scale: 1 });
});
