/** Commands of the palette do what they say. */
import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import type { Stage } from '../stage.ts';

export function commandJourney(stage: () => Stage): void {
  test('Restart Engine gives a new engine in the same host', async () => {
    const { window, zell } = stage();
    const [engine, host] = [zell.enginePid(), zell.announcement()?.pid];
    await window.command('Zell: Restart Engine');
    await eventually(() => zell.enginePid()).not.toBe(engine);
    expect(zell.announcement()?.pid).toBe(host);
    await eventually(async () => (await zell.status()).state).toBe('ready');
  });

  test('Show Log opens the output channel', async () => {
    const { window } = stage();
    await window.command('Zell: Show Log');
    const chosen = window.page.locator('.part.panel select option:checked');
    await eventually(() => chosen.allInnerTexts()).toContain('Zell');
    await window.command('View: Hide Panel');
  });

  test('Show Model Profile opens a page about the model', async () => {
    const { window } = stage();
    await window.command('Zell: Show Model Profile');
    await window.page.locator('.tab.active', { hasText: 'smollm2-135m' }).waitFor();
    await eventually(() => window.lines()).toContain('smollm2-135m');
  });

  test('Build Model Profile measures, and opens a page with decisions and the expected speed', async () => {
    const { window, zell } = stage();
    await window.command('Zell: Build Model Profile');
    const steps = window.page.locator('.notification-toast', { hasText: 'building the model profile' });
    await steps.waitFor({ timeout: 30_000 });
    await eventually(() => steps.innerText()).toMatch(/Measuring|Loading|Reading/);
    await steps.waitFor({ state: 'detached', timeout: 120_000 });
    await window.page.locator('.tab.active', { hasText: 'smollm2-135m' }).waitFor();
    await eventually(() => window.lines()).toMatch(/Expect [\d.]+ tokens\/s/);
    expect(zell.profileNames()).toEqual(['smollm2-135m.json']);
    // The page of the other command knows it now.
    await window.command('View: Close Editor');
    await window.command('Zell: Show Model Profile');
    await eventually(() => window.lines()).toContain('Expected:');
  });

  test('Toggle Inline Completion turns ghost text off and on', async () => {
    const { window, zell } = stage();
    const { keyboard } = window.page;
    const notice = window.page.locator('.statusbar-item', { hasText: 'Zell: inline completion is' });
    await window.openFile('numbers.py');
    await window.command('Zell: Toggle Inline Completion');
    await notice.filter({ hasText: 'is off' }).waitFor();
    const before = await zell.metric('n_decode_total');
    await keyboard.type('\neight =', { delay: 30 });
    await window.page.waitForTimeout(1000);
    expect(await window.ghostText.count()).toBe(0);
    expect(await zell.metric('n_decode_total')).toBe(before);
    await window.command('Zell: Toggle Inline Completion');
    await notice.filter({ hasText: 'is on' }).waitFor();
    await window.editor.locator('.view-lines').click();
    await keyboard.press('Control+End');
    await keyboard.press('Backspace');
    await keyboard.type('=', { delay: 30 });
    await window.ghostText.filter({ hasText: '8' }).first().waitFor({ timeout: 30_000 });
    await keyboard.press('Escape');
  });
}
