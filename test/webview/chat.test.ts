import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChatSession, ChatTurn } from '#protocol/webview.ts';
import { ARTIFACTS } from '../helpers/cache.ts';
import { launchBrowser } from '../helpers/vscodeHost/host.ts';
import { findChromium } from '../helpers/vscodeHost/install.ts';
import { startBench, type OpenPage, type WebviewBench } from './webviewBench.ts';

const absent = findChromium() === undefined;
const SESSION: ChatSession = { id: 's1', title: 'New chat', updatedAt: 1, turns: [] };

/** Model output that tries to run, load or restyle something. */
const HOSTILE = [
  '<script>window.ran = 1</script>',
  '<img src="https://evil.example/a.png" onerror="window.ran = 1">',
  '<svg/onload=window.ran=1>',
  '<svg><animate onbegin=window.ran=1 attributeName=x dur=1s>',
  '<iframe srcdoc="<script>parent.ran = 1</script>"></iframe>',
  '<base href="https://evil.example/">',
  '<link rel="stylesheet" href="https://evil.example/x.css">',
  '<style>@import url(https://evil.example/x.css);</style>',
  '<video poster="https://evil.example/p.png" src="https://evil.example/v.mp4" autoplay></video>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.ran=1&gt;">',
  '<form action="https://evil.example"><button>x</button></form>',
  '<details open ontoggle=window.ran=1>',
  '<div style="background:url(https://evil.example/b.png)">x</div>',
  '![x](https://evil.example/pixel.png "t")',
  '![x](data:image/svg+xml,<svg onload=window.ran=1>)',
  '[a](javascript:window.ran=1)',
  '[a](data:text/html,<script>window.ran=1</script>)',
  '[a](command:workbench.action.quit)',
  '[a](https://evil.example/"onmouseover="window.ran=1)',
  '```js" onclick="window.ran=1\nx\n```',
  '```\n</code></pre><script>window.ran = 1</script>\n```',
  '[r]\n\n[r]: javascript:window.ran=1',
  '<a href="javascript:window.ran=1">click</a>',
  '<p id="prompt">clobber</p><form name="app"></form>',
];

describe.skipIf(absent)('the chat page (needs Chromium: apt install chromium)', () => {
  let browser: Browser;
  let bench: WebviewBench;
  let chat: OpenPage;

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
    chat = await bench.open('chat');
    await chat.answer('chat/load', { session: SESSION, history: [] });
  });
  afterEach(async () => {
    await chat.close();
  });

  const put = (turn: ChatTurn): Promise<void> => chat.emit({ type: 'turn/updated', sessionId: 's1', turn });
  const reply = (text: string, state: ChatTurn['state'] = 'done', id = 'a'): ChatTurn => ({
    id,
    role: 'assistant',
    text,
    state,
  });
  const shot = (name: string): Promise<Buffer> =>
    chat.page.screenshot({ path: path.join(ARTIFACTS, `webview-${name}.png`) });

  test('hostile replies run nothing, load nothing and leave no foreign element', async () => {
    for (const [i, source] of HOSTILE.entries()) await put(reply(source, 'done', `whole-${i}`));
    await put(reply(HOSTILE.join('\n\n'), 'done', 'together'));
    // The same, arriving in small pieces.
    await put(reply('', 'streaming', 'stream'));
    const all = HOSTILE.join('\n\n');
    for (let at = 0; at < all.length; at += 97)
      await chat.emit({ type: 'turn/delta', sessionId: 's1', turnId: 'stream', at, text: all.slice(at, at + 97) });
    await put({ id: 'u', role: 'user', text: HOSTILE.join('\n'), state: 'done' });
    await chat.page.waitForTimeout(300);
    expect(await chat.page.evaluate('window.ran')).toBeUndefined();
    expect(chat.foreignRequests).toEqual([]);
    // Nothing got so far that the policy had to stop it.
    expect(await chat.page.evaluate('window.policyViolations')).toEqual([]);
    const foreign =
      'script,img,svg,math,iframe,object,embed,video,audio,base,link,style,form,[style],[href],[src],[id=prompt] ~ [id=prompt]';
    expect(await chat.page.locator('#turns').locator(foreign).count()).toBe(0);
    expect(await chat.page.locator('#prompt').count()).toBe(1);
  });

  test('finished blocks stay the same nodes while the last one grows', async () => {
    await put(reply('', 'streaming'));
    const text = '# Title\n\nFirst paragraph.\n\n```ts\nconst a = 1;\n```\n\nLast';
    for (let at = 0; at < text.length; at += 7) {
      await chat.emit({ type: 'turn/delta', sessionId: 's1', turnId: 'a', at, text: text.slice(at, at + 7) });
      if (at === 28) await chat.page.evaluate('document.querySelector("#turns h3").marked = true');
    }
    await put(reply(text));
    expect(await chat.page.evaluate('document.querySelector("#turns h3").marked')).toBe(true);
    expect(await chat.page.locator('#turns .hljs-keyword').innerText()).toBe('const');
    expect(await chat.page.locator('#turns article').last().getAttribute('aria-busy')).toBe('false');
  });

  test('a missed piece makes the page ask for the whole', async () => {
    await put(reply('ab', 'streaming'));
    await chat.emit({ type: 'turn/delta', sessionId: 's1', turnId: 'a', at: 9, text: 'x' });
    expect(await chat.sent('chat/load')).toHaveLength(2);
  });

  test('Enter sends, Shift+Enter starts a line, Escape stops', async () => {
    const prompt = chat.page.getByRole('textbox', { name: 'Message to Zell' });
    await prompt.click();
    await chat.page.keyboard.type('one');
    await chat.page.keyboard.press('Shift+Enter');
    await chat.page.keyboard.type('two');
    await chat.page.keyboard.press('Enter');
    expect((await chat.sent('chat/send'))[0]?.params).toEqual({
      sessionId: 's1',
      text: 'one\ntwo',
      attachSelection: false,
    });
    expect(await prompt.inputValue()).toBe('');
    await put(reply('', 'streaming'));
    expect(await chat.page.getByRole('button', { name: 'Stop' }).isVisible()).toBe(true);
    await chat.page.keyboard.press('Escape');
    expect(await chat.sent('chat/stop')).toHaveLength(1);
    await put(reply('x', 'stopped'));
    expect(await chat.page.getByRole('button', { name: 'Send' }).isVisible()).toBe(true);
  });

  test('a refused question goes back to where it was written', async () => {
    await chat.page.locator('#prompt').fill('keep me');
    await chat.page.locator('#send').click();
    await chat.refuse('chat/send', 'Zell is still answering.');
    expect(await chat.page.locator('#prompt').inputValue()).toBe('keep me');
    expect(await chat.page.getByRole('alert').first().innerText()).toContain('still answering');
  });

  test('a question that is written before the chat is there goes into it', async () => {
    const early = await bench.open('chat');
    expect(await early.page.evaluate('document.activeElement.id')).toBe('prompt');
    await early.page.keyboard.type('quick');
    await early.page.keyboard.press('Enter');
    await early.answer('chat/load', { session: SESSION, history: [] });
    const sent = { sessionId: 's1', text: 'quick', attachSelection: false };
    await expect.poll(async () => (await early.sent('chat/send')).map(({ params }) => params)).toEqual([sent]);
    await early.close();
  });

  test('everything is reached by Tab in reading order', async () => {
    await put(reply('A [link](https://example.com/).\n\n```py\nx = 1\n```'));
    await chat.page.locator('#new-chat').focus();
    const seen: string[] = [];
    for (let i = 0; i < 9; i++) {
      await chat.page.keyboard.press('Tab');
      seen.push(
        await chat.page.evaluate<string>('document.activeElement.id || document.activeElement.textContent.trim()'),
      );
    }
    expect(seen.map((text) => text.split('\n')[0])).toEqual([
      'history-toggle',
      'incognito-toggle',
      'transcript',
      'link (https://example.com/)',
      'Copy',
      'Insert at Cursor',
      'x = 1',
      'prompt',
      'send',
    ]);
  });

  test('code can be copied and inserted as it is, a link asks with its full address', async () => {
    await put(reply('See [here](https://example.com/a?b=c).\n\n```html\n<b>&amp;</b>\n```'));
    await chat.page.getByRole('button', { name: 'Copy' }).click();
    await chat.page.getByRole('button', { name: 'Insert at Cursor' }).click();
    await chat.page.getByRole('link').click();
    expect((await chat.sent('code/copy'))[0]?.params).toEqual({ code: '<b>&amp;</b>\n' });
    expect((await chat.sent('code/insert'))[0]?.params).toEqual({ code: '<b>&amp;</b>\n' });
    expect((await chat.sent('link/open'))[0]?.params).toEqual({ href: 'https://example.com/a?b=c' });
    expect(await chat.page.getByRole('link').innerText()).toContain('(https://example.com/a?b=c)');
  });

  test('the selection goes along unless its chip is removed', async () => {
    await chat.emit({ type: 'selection/changed', label: 'src/a.ts:3-7' });
    expect(await chat.page.locator('#selection').innerText()).toContain('src/a.ts:3-7');
    await chat.page.locator('#prompt').fill('with');
    await chat.page.locator('#send').click();
    await chat.page.getByRole('button', { name: 'Do not send src/a.ts:3-7' }).click();
    await chat.page.locator('#prompt').fill('without');
    await chat.page.keyboard.press('Enter');
    const flags = (await chat.sent('chat/send')).map(({ params }) => params['attachSelection']);
    expect(flags).toEqual([true, false]);
  });

  test('a failure says why and offers another attempt', async () => {
    await put({ ...reply('half an ans', 'failed'), error: 'The engine stopped.' });
    expect(await chat.page.locator('.turn-note[role=alert]').innerText()).toContain('The engine stopped.');
    await chat.page.getByRole('button', { name: 'Try Again' }).click();
    expect((await chat.sent('chat/retry'))[0]?.params).toEqual({ sessionId: 's1' });
  });

  test('the memories that an answer used are one line, which opens to what they say and forgets', async () => {
    const ids = ['0123456789abcdef', 'fedcba9876543210'];
    await put({ ...reply('Priya.', 'streaming'), memories: ids });
    expect(await chat.page.locator('.used-memories').count()).toBe(0);
    await put({ ...reply('Priya.'), memories: ids });
    await put({ ...reply('Priya.'), memories: ids });
    const memories = ids.map((id, i) => ({ id, statement: i === 0 ? 'Your manager is Priya.' : '<b>x</b>' }));
    await chat.page.getByText('2 memories used').click();
    await chat.answer('chat/memories', { memories });
    await expect
      .poll(() => chat.page.locator('.used-memories li span').allTextContents())
      .toEqual(['Your manager is Priya.', '<b>x</b>']);
    expect((await chat.sent('chat/memories'))[0]?.params).toEqual({ ids });
    await shot('memories');
    await chat.page.getByRole('button', { name: 'Forget: Your manager is Priya.' }).click();
    await chat.answer('chat/forget', { forgotten: true });
    await chat.answer('chat/memories', { memories: memories.slice(1) });
    await expect.poll(() => chat.page.locator('.used-memories').textContent()).toContain('One was forgotten.');
    expect((await chat.sent('chat/forget'))[0]?.params).toEqual({ id: ids[0] });
    expect(await chat.page.locator('.used-memories').textContent()).not.toContain('Priya');
  });

  test('a screen reader hears whole sentences, not tokens', async () => {
    await put(reply('', 'streaming'));
    let at = 0;
    for (const text of ['It ', 'rains', '. ', 'Take ', 'an umb']) {
      await chat.emit({ type: 'turn/delta', sessionId: 's1', turnId: 'a', at, text });
      at += text.length;
    }
    await chat.page.waitForTimeout(1700);
    expect(await chat.page.locator('#announcer').textContent()).toBe('It rains.');
    expect(await chat.page.locator('#transcript').getAttribute('aria-live')).toBe('off');
  });

  test('earlier chats are listed, opened and deleted', async () => {
    await chat.emit({ type: 'history/changed', history: [{ id: 's2', title: 'Sorting', updatedAt: 5 }] });
    await chat.page.locator('#history-toggle').click();
    await chat.page.getByRole('button', { name: 'Sorting', exact: true }).click();
    expect((await chat.sent('chat/open'))[0]?.params).toEqual({ sessionId: 's2' });
    expect(await chat.page.locator('#history').isVisible()).toBe(false);
    await chat.page.locator('#history-toggle').click();
    await chat.page.getByRole('button', { name: 'Delete Sorting' }).click();
    expect((await chat.sent('chat/remove'))[0]?.params).toEqual({ sessionId: 's2' });
  });

  test('incognito is switched by the keyboard, shown and read aloud, and leaves no draft behind', async () => {
    const toggle = chat.page.getByRole('button', { name: 'Incognito' });
    const note = chat.page.getByRole('status');
    expect(await toggle.getAttribute('aria-pressed')).toBe('false');
    expect(await note.count()).toBe(0);
    await toggle.focus();
    await chat.page.keyboard.press('Space');
    expect((await chat.sent('chat/new')).at(-1)?.params).toEqual({ incognito: true });
    const secret: ChatSession = { ...SESSION, id: 's3', incognito: true };
    await chat.emit({ type: 'session/opened', session: secret, history: [] });
    await chat.answer('chat/new', { session: secret });
    expect(await toggle.getAttribute('aria-pressed')).toBe('true');
    expect(await note.innerText()).toContain('nothing of this chat is recorded');
    await chat.page.locator('#prompt').fill('between us');
    expect(await chat.page.evaluate('window.keptState()')).toEqual({ draft: '' });
    await shot('chat-incognito');
    // Off again it is another chat: what was said before does not come along.
    await toggle.press('Enter');
    expect((await chat.sent('chat/new')).at(-1)?.params).toEqual({ incognito: false });
    await chat.emit({ type: 'session/opened', session: SESSION, history: [] });
    expect(await toggle.getAttribute('aria-pressed')).toBe('false');
    expect(await note.count()).toBe(0);
    await chat.page.locator('#prompt').fill('for all');
    expect(await chat.page.evaluate('window.keptState()')).toEqual({ draft: 'for all' });
  });

  test('a long chat opens and grows without redrawing what is there', async () => {
    const turns = Array.from({ length: 300 }, (_, i): ChatTurn =>
      i % 2 === 0
        ? { id: `t${i}`, role: 'user', text: `Question ${i}`, state: 'done' }
        : reply(`Answer **${i}**.\n\n\`\`\`ts\nconst x = ${i};\n\`\`\``, 'done', `t${i}`),
    );
    await chat.emit({ type: 'session/opened', session: { ...SESSION, turns }, history: [] });
    await chat.page
      .evaluate(`new MutationObserver((found) => { window.mutated = (window.mutated ?? 0) + found.length; })
      .observe(document.querySelector('#turns article:nth-child(300)'), { childList: true, subtree: true, characterData: true })`);
    await put(reply('', 'streaming', 'new'));
    for (let at = 0; at < 50; at++)
      await chat.emit({ type: 'turn/delta', sessionId: 's1', turnId: 'new', at: at * 5, text: 'word ' });
    expect(await chat.page.locator('#turns article').count()).toBe(301);
    expect(await chat.page.evaluate('window.mutated')).toBeUndefined();
  });

  test('the engine’s state is told, a crash offers a restart', async () => {
    const queue = { running: 0, waiting: 0, slots: 1, maxWaiting: 1 };
    const status = { detail: 'It died.', version: '1', pid: 1, port: 1, tokensPerSecond: 0, queue, leases: 1 };
    await chat.emit({ type: 'engine/status', status: { ...status, state: 'crashed' } });
    expect(await chat.page.getByRole('status').innerText()).toContain('It died.');
    await chat.page.getByRole('button', { name: 'Restart Engine' }).click();
    expect(await chat.sent('engine/restart')).toHaveLength(1);
    await chat.emit({ type: 'engine/status', status: { ...status, state: 'ready' } });
    expect(await chat.page.locator('#banner').isVisible()).toBe(false);
  });

  test('screenshots: dark theme, forced colours, a narrow side bar', async () => {
    await put({
      id: 'q',
      role: 'user',
      text: 'How do I sum a list in TypeScript?',
      state: 'done',
      attachment: { label: 'src/sum.ts:1-4', text: 'x' },
    });
    const text =
      'Use `reduce`:\n\n```ts\nexport function sum(values: readonly number[]): number {\n  // Starts at zero.\n  return values.reduce((total, value) => total + value, 0);\n}\n```\n\nIt is **linear**. See [the reference](https://example.com/reduce).\n\n| input | result |\n|---|---|\n| `[]` | 0 |\n| `[1, 2]` | 3 |';
    await put(reply(text));
    await chat.emit({ type: 'selection/changed', label: 'src/sum.ts:1-4' });
    expect((await shot('chat')).length).toBeGreaterThan(5000);
    await chat.page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
    await shot('chat-forced-colors');
    await chat.page.emulateMedia({ forcedColors: 'none' });
    await chat.page.setViewportSize({ width: 220, height: 600 });
    await shot('chat-narrow');
    const overflow = await chat.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
