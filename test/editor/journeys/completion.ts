/** Ghost text: shown, taken, remembered; never asked for where a secret lies. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { ARTIFACTS } from '../../helpers/cache.ts';
import { eventually } from '../eventually.ts';
import type { Stage } from '../stage.ts';

/** Longer than delay and answer together would take. */
const QUIET_MS = 1500;

export function completionJourney(stage: () => Stage): void {
  // First, so that its event would be in the log before that of the file that is not excluded.
  test('in a file that is excluded from the memory ghost text is taken as everywhere', async () => {
    const { window } = stage();
    await window.openFile('diary.py');
    await window.page.keyboard.type('seven =', { delay: 30 });
    await window.ghostText.filter({ hasText: '7' }).first().waitFor({ timeout: 30_000 });
    await window.page.keyboard.press('Tab');
    await eventually(() => window.lines()).toContain('seven = 7');
  });

  test('ghost text of the model appears while typing, and Tab takes it', async () => {
    const { window, zell } = stage();
    await window.openFile('numbers.py');
    const before = await zell.metric('prompt_tokens_total');
    await window.page.keyboard.type('seven =', { delay: 30 });
    await window.ghostText.filter({ hasText: '7' }).first().waitFor({ timeout: 30_000 });
    expect(await zell.metric('prompt_tokens_total')).toBeGreaterThan(before);
    await window.page.keyboard.press('Tab');
    await eventually(() => window.lines()).toContain('seven = 7');
    expect(await window.ghostText.count()).toBe(0);
  });

  test('a secret file is never sent: no request reaches the engine', async () => {
    const { window, zell } = stage();
    await window.openFile('.env');
    const before = await zell.metric('n_decode_total');
    await window.page.keyboard.type('TOKEN=abc\nTOKEN2=', { delay: 30 });
    await window.command('Trigger Inline Suggestion');
    await window.page.waitForTimeout(QUIET_MS);
    expect(await window.lines()).toContain('TOKEN2=');
    expect(await window.ghostText.count()).toBe(0);
    expect(await zell.metric('n_decode_total')).toBe(before);
  });

  test('a whole body is suggested where one begins', async () => {
    const { window } = stage();
    await window.openFile('temperature.py');
    await window.page.keyboard.type('def kelvin_to_fahrenheit(k):\n', { delay: 30 });
    await window.ghostText.filter({ hasText: 'return' }).first().waitFor({ timeout: 30_000 });
    await window.page.screenshot({
      path: path.join(ARTIFACTS, 'editor-completion.png'),
      clip: { x: 0, y: 36, width: 900, height: 320 },
    });
    await window.page.keyboard.press('Escape');
  });

  test('what was taken and stayed becomes an event, once', async () => {
    const { zell } = stage();
    const taken = (): unknown[] => zell.events().filter(({ type }) => type === 'completion.accepted');
    await eventually(taken).toHaveLength(1);
    expect(taken()[0]).toMatchObject({ response: ' 7', data: { language: 'python' }, origin: { kind: 'editor' } });
  });
}
