/** The chat view: ask, read, stop, begin anew, find it again; with the mouse and without. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { ARTIFACTS } from '../../helpers/cache.ts';
import { ANSWER_MS, ask, lastAnswer, LONG_QUESTION, untilStreaming } from '../chatPage.ts';
import { eventually } from '../eventually.ts';
import type { Stage } from '../stage.ts';

const QUESTION = 'Write a Python function that reverses a string.';

export function chatJourney(stage: () => Stage): void {
  test('a question is answered in pieces, and the answer is rendered', async () => {
    const { window } = stage();
    await window.showViews();
    const chat = await window.chat();
    await window.widenSideBar(110);
    await ask(chat, QUESTION);
    await untilStreaming(chat);
    await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    const answer = lastAnswer(chat, 'done');
    expect(await answer.locator('.code code').first().innerText()).toMatch(/^def \w+\(/);
    expect(await answer.locator('.code-language').first().innerText()).toBe('Python');
    await answer.getByRole('button', { name: 'Copy' }).first().click();
    await eventually(() => answer.locator('.code-bar').first().innerText()).toContain('Copied');
    await window.page.screenshot({ path: path.join(ARTIFACTS, 'editor-chat.png') });
  });

  test('Stop ends the answer, and the engine works no more on it', async () => {
    const { window, zell } = stage();
    const chat = await window.chat();
    await ask(chat, LONG_QUESTION);
    await untilStreaming(chat);
    await chat.getByRole('button', { name: 'Stop' }).click();
    await lastAnswer(chat, 'stopped').waitFor({ timeout: 10_000 });
    await eventually(() => zell.metric('requests_processing')).toBe(0);
    expect(await lastAnswer(chat, 'stopped').innerText()).toContain('Stopped.');
  });

  test('New Chat begins an empty one, and the old one is in the history', async () => {
    const { window } = stage();
    const chat = await window.chat();
    await chat.getByRole('button', { name: 'New Chat' }).click();
    await eventually(() => chat.locator('#turns article').count()).toBe(0);
    await chat.getByRole('button', { name: 'History' }).click();
    const entry = chat.getByRole('navigation', { name: 'Earlier chats' }).getByRole('button', { name: QUESTION });
    await entry.first().click();
    await eventually(() => chat.locator('#turns article.user').count()).toBe(2);
  });

  test('the chat survives a reload of the window', async () => {
    const { window } = stage();
    await window.page.reload();
    await window.drawn();
    await window.ready();
    const chat = await window.chat();
    await eventually(() => chat.locator('#turns').innerText()).toContain(QUESTION);
    expect(await chat.locator('#turns article.assistant').count()).toBe(2);
  });

  test('everything is done by the keyboard alone', async () => {
    const { window } = stage();
    const { keyboard } = window.page;
    await window.command('Zell: New Chat');
    const chat = await window.chat();
    await eventually(() => chat.locator('#turns article').count()).toBe(0);
    // The command leads to where the question is written.
    await eventually(() => chat.evaluate('document.activeElement?.id')).toBe('prompt');
    await keyboard.type('What is the capital of France?');
    await keyboard.press('Enter');
    await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    expect(await lastAnswer(chat, 'done').innerText()).toContain('Paris');
    const reached = new Set<string>();
    for (let i = 0; i < 8; i++) {
      await keyboard.press('Shift+Tab');
      reached.add(await chat.evaluate<string>('document.activeElement?.id ?? ""'));
    }
    expect([...reached]).toEqual(expect.arrayContaining(['transcript', 'history-toggle', 'new-chat']));
  });

  test('nothing of an incognito chat is recorded, and it is in no history', async () => {
    const { window, zell } = stage();
    const { keyboard } = window.page;
    const chat = await window.chat();
    const say = async (text: string): Promise<void> => {
      await eventually(() => chat.evaluate('document.activeElement?.id')).toBe('prompt');
      await keyboard.type(text);
      await keyboard.press('Enter');
      await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    };
    await window.command('Zell: Start Incognito Chat');
    await eventually(() => chat.locator('#incognito-toggle').getAttribute('aria-pressed')).toBe('true');
    await say('My dentist is Dr. Hollow. Say yes.');
    await window.command('Zell: New Chat');
    await eventually(() => chat.locator('#incognito-toggle').getAttribute('aria-pressed')).toBe('false');
    await say('What is the capital of Norway?');
    const recorded = (): string => JSON.stringify(zell.events());
    await eventually(recorded).toContain('Norway');
    expect(recorded()).not.toContain('Hollow');
    expect(await chat.locator('#history').textContent()).not.toContain('Hollow');
  });

  test('parts have roles and names', async () => {
    const chat = await stage().window.chat();
    for (const [role, name] of [
      ['log', 'Chat'],
      ['textbox', 'Message to Zell'],
      ['button', 'Send'],
      ['button', 'New Chat'],
      ['button', 'History'],
      ['button', 'Incognito'],
      ['article', 'You'],
      ['article', 'Zell'],
    ] as const)
      expect(await chat.getByRole(role, { name, exact: true }).count(), `${role} ${name}`).toBeGreaterThan(0);
    expect(await chat.evaluate('document.documentElement.lang')).not.toBe('');
  });
}
