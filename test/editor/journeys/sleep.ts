/** A whole night, as a person sees it: something is said, the counter moves, Sleep Now, the training is drawn, the verdict is told. */
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { expect, test } from 'vitest';
import { ARTIFACTS } from '../../helpers/cache.ts';
import { ANSWER_MS, ask, lastAnswer } from '../chatPage.ts';
import { eventually } from '../eventually.ts';
import type { Stage } from '../stage.ts';

const SAID = 'My favourite colour is vermilion. Please remember it.';
/** Of a night of a few steps on a busy machine. */
const NIGHT_MS = 300_000;

/** Keeps what the page showed, also for moments. */
const WATCH = `
window.seenStates = [];
window.seenSteps = [];
window.seenCurves = [];
new MutationObserver(() => {
  const see = (list, text) => { if (text && list.at(-1) !== text) list.push(text); };
  see(window.seenStates, document.getElementById('memory-state').textContent);
  see(window.seenSteps, document.getElementById('memory-waiting').textContent);
  const loss = document.getElementById('loss');
  if (!loss.hidden && loss.querySelector('canvas')) see(window.seenCurves, loss.getAttribute('aria-label'));
}).observe(document.getElementById('memory-status'), { subtree: true, childList: true, characterData: true, attributes: true });
`;

export function sleepJourney(stage: () => Stage): void {
  const seen = (memory: Frame, name: string): Promise<string[]> => memory.evaluate<string[]>(`window.${name}`);

  test('what was said in the chat is counted, slept over and judged, and the view shows all of it', async () => {
    const { window, zell } = stage();
    await window.command('Zell: New Chat');
    const chat = await window.chat();
    await eventually(() => chat.locator('#turns article').count()).toBe(0);
    const memory = await window.memory();
    const events = async (): Promise<number> => Number(await memory.locator('[data-count=events]').innerText());
    const before = await events();
    await ask(chat, SAID);
    await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    await eventually(events).toBe(before + 1);

    await window.toggleView('Chat');
    await memory.evaluate(WATCH);
    await memory.getByRole('button', { name: 'Sleep Now' }).click();
    await memory.locator('#loss canvas').waitFor({ timeout: NIGHT_MS });
    await window.page.screenshot({
      path: path.join(ARTIFACTS, 'editor-sleep.png'),
      clip: { x: 0, y: 36, width: 460, height: 732 },
    });
    await memory.getByRole('button', { name: 'Sleep Now' }).waitFor({ timeout: NIGHT_MS });

    expect(await seen(memory, 'seenStates')).toEqual(
      expect.arrayContaining(['Training', 'Checking what was learned', 'Awake']),
    );
    const steps = await seen(memory, 'seenSteps');
    expect(
      steps.some((words) => /^Step \d+ of \d+ · [\d,.]+ tokens\/s · .* left$/.test(words)),
      steps.join(' | '),
    ).toBe(true);
    expect((await seen(memory, 'seenCurves'))[0]).toMatch(/^Loss \d+\.\d\d after step \d+ of \d+/);

    // What is remembered, and the verdict, whichever it is, as the log has it.
    await eventually(() => memory.locator('#cards').innerText()).toContain('vermilion');
    const gated = zell.events().filter(({ type }) => type === 'adapter.gated');
    expect(gated).toHaveLength(1);
    const { passed } = gated[0]!.data as { passed: boolean };
    await memory.getByRole('tab', { name: 'Learning' }).click();
    const report = memory.locator('#sleep-report');
    // The list of versions comes in a moment after the state.
    await eventually(() => report.getAttribute('data-outcome')).toBe(passed ? 'learned' : 'unchanged');
    expect((await report.innerText()).length).toBeGreaterThan(80);
    expect(await memory.locator('[data-version="1"]').innerText()).toContain(
      passed ? 'answers now' : 'did not pass its test',
    );
    expect(await memory.locator('#compare').isVisible()).toBe(passed);
    await memory.getByRole('tab', { name: 'Memories' }).click();
  }, 400_000);

  test('a memory leads to what was said', async () => {
    const { window } = stage();
    const memory = await window.memory();
    const card = memory.locator('#cards > li', { hasText: 'vermilion' }).first();
    await card.getByRole('button', { name: /^Where this comes from/ }).click();
    await card.locator('blockquote').filter({ hasText: SAID }).waitFor();
    await card.getByRole('button', { name: 'Open Conversation' }).click();
    await window.page.locator('.tab.active', { hasText: 'Conversation.md' }).waitFor();
    await eventually(() => window.lines()).toContain('vermilion');
    await window.command('View: Close Editor');
  });

  test('what is marked in an editor is forgotten, with what was said about it', async () => {
    const { window, zell } = stage();
    const { keyboard } = window.page;
    await window.openFile('temperature.py');
    await keyboard.type('# vermilion', { delay: 30 });
    await keyboard.press('Escape');
    await keyboard.press('Control+Shift+ArrowLeft');
    await window.command('Zell: Forget Selection');
    const rows = window.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: 'Your favourite colour is vermilion.' }).waitFor();
    expect(await rows.filter({ hasText: 'remember it' }).count()).toBe(1);
    await keyboard.press('Enter');
    const dialog = window.page.locator('.monaco-dialog-box');
    await dialog.getByRole('button', { name: 'Forget' }).click();
    await window.page.locator('.notification-toast', { hasText: /forgot 1 memory and 1 exchange/ }).waitFor();
    const memory = await window.memory();
    await eventually(() => memory.locator('#cards > li', { hasText: 'vermilion' }).count()).toBe(0);
    expect(JSON.stringify(zell.events())).not.toContain('vermilion');
    await window.toggleView('Chat');
  });

  test('learning is paused for a while by the command, and resumed in the view', async () => {
    const { window } = stage();
    const memory = await window.memory();
    const state = (): Promise<string> => memory.locator('#memory-state').innerText();
    await window.command('Zell: Pause Learning');
    await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'For 1 hour' }).click();
    await eventually(state).toBe('Paused');
    await memory.getByRole('button', { name: 'Resume' }).click();
    await eventually(state).not.toBe('Paused');
  });
}
