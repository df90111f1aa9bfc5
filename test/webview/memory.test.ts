import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConversationSummary, MemoryEvent, MemoryStatus } from '#protocol/memory.ts';
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
    await memory.answer('memory/load', {
      status: STATUS,
      conversations: [CONVERSATION],
      events: [
        event(1, { conversation: 'c1' }),
        event(2, { type: 'completion.accepted', prompt: 'const a = ', response: '1;', consolidated: true }),
        event(3, { type: 'conversation.closed' }),
      ],
    });
    return () => memory.close();
  });

  test('says how many conversations wait and what is remembered', async () => {
    expect(await memory.page.locator('#memory-waiting').innerText()).toContain('37 of 100');
    expect(await memory.page.locator('[data-count=events]').innerText()).toBe('3');
    expect(await memory.page.locator('[data-conversation=c1] summary').innerText()).toContain('Sorting <b>lists</b>');
    expect(await memory.page.locator('[data-event="2"]').innerText()).toContain('learned');
    expect(await memory.page.locator('[data-event="3"]').count()).toBe(0);
    await memory.page.screenshot({ path: path.join(ARTIFACTS, 'webview-memory.png') });
  });

  test('the switch asks for its opposite and then shows what came of it', async () => {
    const toggle = memory.page.getByRole('switch', { name: 'Memory' });
    expect(await toggle.getAttribute('aria-checked')).toBe('true');
    await toggle.click();
    expect((await memory.sent('memory/enable'))[0]?.params).toEqual({ enabled: false });
    await memory.answer('memory/enable', null);
    await memory.answer('memory/load', { status: { ...STATUS, enabled: false }, conversations: [], events: [] });
    expect(await toggle.getAttribute('aria-checked')).toBe('false');
    expect(await memory.page.evaluate('document.activeElement.id')).toBe('memory-switch');
  });

  test('deleting takes two clicks', async () => {
    const remove = memory.page.getByRole('button', { name: 'Delete event 2' });
    await remove.click();
    expect(await memory.sent('memory/delete')).toEqual([]);
    await memory.page.getByRole('button', { name: 'Really? Delete event 2' }).click();
    expect((await memory.sent('memory/delete'))[0]?.params).toEqual({ ids: [2] });
  });

  test('a change in the memory is shown without being asked', async () => {
    await memory.emit({ type: 'memory/changed' });
    await memory.answer('memory/load', { status: { ...STATUS, events: 4 }, conversations: [], events: [] });
    expect(await memory.page.locator('[data-count=events]').innerText()).toBe('4');
    expect(await memory.page.locator('#memory-empty').isVisible()).toBe(true);
  });

  test('a failure is told', async () => {
    await memory.emit({ type: 'memory/changed' });
    await memory.refuse('memory/load', 'The engine is not running yet.');
    expect(await memory.page.getByRole('alert').innerText()).toContain('not running');
  });
});
