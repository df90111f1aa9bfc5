import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AdapterList } from '#protocol/adapters.ts';
import type { HostStatus } from '#protocol/editor.ts';
import type { Card, ConversationSummary, MemoryEvent, MemoryStatus, SleepReport } from '#protocol/memory.ts';
import type { WebviewRequests } from '#protocol/webview.ts';
import { ARTIFACTS } from '../helpers/cache.ts';
import { launchBrowser } from '../helpers/vscodeHost/host.ts';
import { findChromium } from '../helpers/vscodeHost/install.ts';
import { startBench, type OpenPage, type WebviewBench } from './webviewBench.ts';

const STATUS: MemoryStatus = {
  model: 'abc',
  enabled: true,
  mode: 'learn',
  events: 3,
  unconsolidated: 2,
  consolidated: 1,
  lastEventId: 3,
  conversations: 1,
  closedWaiting: 37,
  sleepAfter: 100,
  state: 'awake',
  sleep: { phase: 'awake', reason: 'Nothing to learn yet.', held: false },
};
const CONVERSATION: ConversationSummary = {
  id: 'c1',
  model: 'abc',
  title: 'Sorting <b>lists</b>',
  startedAt: 1,
  updatedAt: 2,
  closed: true,
  origin: { kind: 'editor' },
  events: 1,
};
const event = (event_id: number, more: Partial<MemoryEvent>): MemoryEvent => ({
  v: 1,
  event_id,
  timestamp: 1,
  type: 'chat.turn',
  model: 'abc',
  prompt: 'How?',
  response: 'So.',
  tokens: 2,
  consolidated: false,
  ...more,
});

const card = (id: string, statement: string, more: Partial<Card> = {}): Card => ({
  id,
  subject: 'x',
  statement,
  value: statement.split(' ').at(-1)!.replace('.', ''),
  kind: 'fact',
  form: 'note',
  scope: 'global',
  sources: [1],
  conversation: 'c1',
  validFrom: 1,
  by: 'template',
  ...more,
});
const CARDS = [
  card('a', 'Your manager is Priya <i>Raman</i>.'),
  card('b', 'You prefer tabs.', { kind: 'preference' }),
  card('c', 'The billing service runs in Frankfurt.'),
];
const numbers = {
  choiceBefore: 0.1,
  choiceAfter: 0.96,
  recallAfter: 0.88,
  oldBefore: 1,
  oldAfter: 1,
  'drift prose': 1.004,
};
const ADAPTERS: AdapterList = {
  model: 'abc',
  active: 1,
  loaded: [],
  versions: [
    {
      version: 1,
      sha256: '',
      bytes: 1,
      createdAt: 1,
      run: 'r',
      by: 'sleep',
      state: 'promoted',
      events: [1],
      cards: ['a', 'b'],
      eventsRoot: '',
      verdict: { passed: true, scale: 0.75, failed: [], numbers },
    },
  ],
};
const EVENTS = [
  event(1, { conversation: 'c1' }),
  event(2, { type: 'completion.accepted', prompt: 'const a = ', response: '1;', consolidated: true }),
  event(3, { type: 'conversation.closed' }),
];
type Loaded = WebviewRequests['memory/load']['result'];
const loaded = (more: Partial<Loaded> = {}): Loaded => ({
  status: STATUS,
  curve: { steps: 0, points: [] },
  cards: CARDS,
  adapters: ADAPTERS,
  conversations: [CONVERSATION],
  events: EVENTS,
  ...more,
});
/** A push of the host, as far as the page looks at it. */
const pushed = (sleep: SleepReport): HostStatus => ({ memory: { ...STATUS, sleep } }) as unknown as HostStatus;

describe.skipIf(findChromium() === undefined)('the memory page (needs Chromium: apt install chromium)', () => {
  let browser: Browser;
  let bench: WebviewBench;
  let memory: OpenPage;

  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    browser = await launchBrowser();
    bench = await startBench(browser);
  });
  afterAll(async () => {
    await bench.close();
    await browser.close();
  });
  beforeEach(async () => {
    memory = await bench.open('memory');
    await memory.answer('memory/load', loaded());
    return () => memory.close();
  });
  const tab = (name: string): Promise<void> => memory.page.getByRole('tab', { name }).click();
  const button = (name: string) => memory.page.getByRole('button', { name, exact: true });

  test('says how many conversations wait and what was recorded', async () => {
    expect(await memory.page.locator('#memory-waiting').innerText()).toContain('37 of 100');
    expect(await memory.page.locator('[data-count=events]').innerText()).toBe('3');
    await memory.page.screenshot({ path: path.join(ARTIFACTS, 'webview-memory.png') });
    await tab('Recorded');
    expect(await memory.page.locator('[data-conversation=c1] summary').innerText()).toContain('Sorting <b>lists</b>');
    expect(await memory.page.locator('[data-event="2"]').innerText()).toContain('learned');
    expect(await memory.page.locator('[data-event="3"]').count()).toBe(0);
  });

  test('the mode is one of three; what is refused is taken back, and its reason stays', async () => {
    const mode = (name: string) => memory.page.getByRole('radio', { name });
    expect(await mode('Learn').isChecked()).toBe(true);
    await mode('Learn').focus();
    await memory.page.keyboard.press('ArrowRight');
    expect((await memory.sent('memory/mode'))[0]?.params).toEqual({ mode: 'log' });
    await memory.refuse('memory/mode', 'The disk is full.');
    expect(await mode('Learn').isChecked()).toBe(true);
    expect(await memory.page.getByRole('alert').innerText()).toBe('The disk is full.');
    await memory.page.getByText('Off', { exact: true }).click();
    await memory.answer('memory/mode', null);
    await memory.answer('memory/load', loaded({ status: { ...STATUS, enabled: false, mode: 'off' } }));
    expect(await mode('Off').isChecked()).toBe(true);
    expect(await memory.page.locator('#memory-state').innerText()).toBe('Off');
    expect(await button('Sleep Now').isVisible()).toBe(false);
  });

  test('sleep, wake, pause and resume are offered when they mean something', async () => {
    expect(await button('Wake').isVisible()).toBe(false);
    await button('Sleep Now').click();
    await memory.answer('memory/sleep', null);
    await memory.answer('memory/load', loaded());
    await button('Pause…').click();
    await memory.answer('memory/pause', null);
    await memory.answer('memory/load', loaded({ status: { ...STATUS, paused: {} } }));
    expect(await memory.page.locator('#memory-state').innerText()).toBe('Paused');
    expect(await memory.page.locator('#memory-progress').isVisible()).toBe(false);
    await button('Resume').click();
    expect(await memory.sent('memory/resume')).toHaveLength(1);
  });

  test('a training is drawn while it goes, and told to those who do not see it', async () => {
    const chart = memory.page.getByRole('img', { name: /^Loss/ });
    expect(await chart.count()).toBe(0);
    const training = (step: number, loss: number): SleepReport => ({
      phase: 'training',
      reason: 'Training.',
      held: false,
      progress: { done: step / 8, step, steps: 8, loss, tokensPerSecond: 900, leftMs: 90_000 },
    });
    for (const step of [1, 2, 3, 4])
      await memory.emit({ type: 'engine/status', status: pushed(training(step, 5 - step)) });
    expect(await memory.page.locator('#memory-waiting').innerText()).toBe(
      'Step 4 of 8 · 900 tokens/s · about 2 min left',
    );
    expect(await chart.getAttribute('aria-label')).toBe('Loss 1.00 after step 4 of 8, 4.00 at the beginning');
    // Something is on the canvas.
    const ink = `(() => { const c = document.querySelector('#loss canvas');
      return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 === 3 && v > 0); })()`;
    expect(await memory.page.evaluate<boolean>(ink)).toBe(true);
    await button('Wake').click();
    expect(await memory.sent('memory/wake')).toHaveLength(1);
    await memory.emit({ type: 'engine/status', status: pushed({ phase: 'awake', reason: 'Learnt.', held: false }) });
    expect(await chart.count()).toBe(0);
    expect(await memory.page.evaluate('window.policyViolations')).toEqual([]);
    expect(memory.foreignRequests).toEqual([]);
  });

  test('memories are shown as text, searched, and say whether they were learned', async () => {
    const items = memory.page.locator('#cards > li');
    expect(await items.allInnerTexts()).toHaveLength(3);
    expect(await items.first().innerText()).toContain('Priya <i>Raman</i>');
    expect(await items.nth(1).locator('.state').innerText()).toBe('learned');
    expect(await items.nth(2).locator('.state').innerText()).toBe('not learned yet');
    await memory.page.getByRole('searchbox', { name: 'Search memories' }).fill('frankfurt billing');
    expect(await items.count()).toBe(1);
    expect(await memory.page.locator('#card-count').innerText()).toBe('1 of 3');
    await memory.page.getByRole('searchbox').fill('nowhere');
    expect(await memory.page.locator('#cards-empty').innerText()).toContain('No memory');
  });

  test('a memory shows its source, and leads to the conversation', async () => {
    const item = memory.page.locator('[data-card=a]');
    await item.getByRole('button', { name: /^Where this comes from/ }).click();
    expect((await memory.sent('memory/sources'))[0]?.params).toEqual({ id: 'a' });
    await memory.answer('memory/sources', { events: [event(1, { prompt: 'My manager is <u>Priya</u> Raman.' })] });
    expect(await item.locator('blockquote').innerText()).toBe('My manager is <u>Priya</u> Raman.');
    await item.getByRole('button', { name: 'Open Conversation' }).click();
    expect((await memory.sent('memory/openConversation'))[0]?.params).toEqual({ conversation: 'c1' });
  });

  test('a memory is edited; what arrives meanwhile does not take the sentence away', async () => {
    const item = memory.page.locator('[data-card=b]');
    await item.getByRole('button', { name: /^Edit/ }).click();
    await memory.page.getByRole('textbox', { name: 'What to remember' }).fill('You prefer spaces.');
    await memory.emit({ type: 'memory/changed' });
    await memory.answer('memory/load', loaded({ cards: CARDS.slice(0, 2) }));
    expect(await memory.page.getByRole('textbox', { name: 'What to remember' }).inputValue()).toBe(
      'You prefer spaces.',
    );
    await memory.page.getByRole('textbox', { name: 'What an answer must contain' }).fill('spaces');
    await memory.page.keyboard.press('Enter');
    expect((await memory.sent('memory/editCard'))[0]?.params).toEqual({
      id: 'b',
      statement: 'You prefer spaces.',
      value: 'spaces',
    });
    await memory.answer('memory/editCard', null);
    await memory.answer('memory/load', loaded({ cards: [card('d', 'You prefer spaces.', { by: 'user' })] }));
    expect(await memory.page.locator('#cards > li').allInnerTexts()).toHaveLength(1);
    expect(await memory.page.locator('#cards').innerText()).toContain('in your words');
  });

  test('the keyboard goes from memory to memory; forgetting takes two presses', async () => {
    const { keyboard } = memory.page;
    const focused = (): Promise<string> => memory.page.evaluate<string>('document.activeElement.dataset.card ?? ""');
    await memory.page.getByRole('searchbox').focus();
    await keyboard.press('Tab');
    expect(await focused()).toBe('a');
    await keyboard.press('ArrowDown');
    await keyboard.press('End');
    expect(await focused()).toBe('c');
    await keyboard.press('Delete');
    expect(await memory.sent('memory/forgetCard')).toEqual([]);
    await keyboard.press('Delete');
    expect((await memory.sent('memory/forgetCard'))[0]?.params).toEqual({ id: 'c' });
    await memory.answer('memory/forgetCard', null);
    await memory.answer('memory/load', loaded({ cards: CARDS.slice(0, 2) }));
    expect(await memory.page.locator('#cards > li').count()).toBe(2);
  });

  test('five thousand memories are drawn as somebody scrolls', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => card(`n${i}`, `Service ${i} runs in place ${i}.`));
    await memory.emit({ type: 'memory/changed' });
    const started = Date.now();
    await memory.answer('memory/load', loaded({ cards: many }));
    expect(Date.now() - started).toBeLessThan(2000);
    const items = memory.page.locator('#cards > li');
    const before = await items.count();
    expect(before).toBeLessThan(500);
    expect(await items.first().getAttribute('aria-setsize')).toBe('5000');
    await memory.page.mouse.move(200, 600);
    await memory.page.mouse.wheel(0, 100_000);
    await expect.poll(() => items.count()).toBeGreaterThan(before);
    await memory.page.getByRole('searchbox').fill('place 4999');
    expect(await items.count()).toBe(1);
  });

  test('the last sleep is told in words, its adapter with scores, and both sides answer the same question', async () => {
    await tab('Learning');
    const report = await memory.page.locator('#sleep-report').innerText();
    for (const words of ['Learned 2 memories', '88 %', 'nothing earlier to forget', '1 memory waits'])
      expect(report).toContain(words);
    const version = await memory.page.locator('[data-version="1"]').innerText();
    for (const words of ['answers now', '96 % (before 10 %)', '0.4 %', '0.75']) expect(version).toContain(words);
    await memory.page.getByRole('textbox', { name: 'Question to compare' }).fill('Who is my manager?');
    await memory.page.keyboard.press('Enter');
    await memory.answer('adapters/answer', { text: 'I do not know <b>you</b>.' });
    await memory.answer('adapters/answer', { text: 'Priya Raman.' });
    expect((await memory.sent('adapters/answer')).map(({ params }) => params['adapter'])).toEqual([false, true]);
    expect(await memory.page.locator('#compare .answer').allInnerTexts()).toEqual([
      'I do not know <b>you</b>.',
      'Priya Raman.',
    ]);
    await button('Roll back to the adapter before this one').click();
    await button('Really? Roll back to the adapter before this one').click();
    expect(await memory.sent('adapters/rollback')).toHaveLength(1);
  });

  test('without a model or an adapter the page says what will be there', async () => {
    await memory.emit({ type: 'memory/changed' });
    const { adapters: _none, ...rest } = loaded({ cards: [], conversations: [], events: [] });
    await memory.answer('memory/load', rest);
    expect(await memory.page.locator('#cards-empty').innerText()).toContain('No memories yet');
    await memory.page.getByRole('tab', { name: 'Memories' }).focus();
    await memory.page.keyboard.press('ArrowRight');
    expect(await memory.page.locator('#adapters').innerText()).toContain('No model is loaded.');
    expect(await memory.page.locator('#compare').isVisible()).toBe(false);
    await memory.page.keyboard.press('ArrowRight');
    expect(await memory.page.locator('#memory-empty').isVisible()).toBe(true);
  });

  test('deleting a record takes two clicks', async () => {
    await tab('Recorded');
    const remove = memory.page.getByRole('button', { name: 'Delete event 2' });
    await remove.click();
    expect(await memory.sent('memory/delete')).toEqual([]);
    await memory.page.getByRole('button', { name: 'Really? Delete event 2' }).click();
    expect((await memory.sent('memory/delete'))[0]?.params).toEqual({ ids: [2] });
  });

  test('a change in the memory is shown without being asked', async () => {
    await memory.emit({ type: 'memory/changed' });
    await memory.answer('memory/load', loaded({ status: { ...STATUS, events: 4 } }));
    expect(await memory.page.locator('[data-count=events]').innerText()).toBe('4');
  });

  test('a failure is told', async () => {
    await memory.emit({ type: 'memory/changed' });
    await memory.refuse('memory/load', 'The engine is not running yet.');
    expect(await memory.page.getByRole('alert').innerText()).toContain('not running');
  });
});
