/** The memory view shows what the log holds. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { ARTIFACTS } from '../../helpers/cache.ts';
import { eventually } from '../eventually.ts';
import type { Stage } from '../stage.ts';

export function memoryJourney(stage: () => Stage): void {
  test('the memory view counts conversations and completions', async () => {
    const { window, zell } = stage();
    const memory = await window.memory();
    const count = async (name: string): Promise<number> =>
      Number(await memory.locator(`[data-count=${name}]`).innerText());
    const turns = zell.events().filter(({ type }) => type === 'chat.turn');
    expect(turns.length).toBeGreaterThanOrEqual(2);
    const conversations = new Set(turns.map(({ conversation }) => conversation));
    await eventually(() => count('conversations')).toBe(conversations.size);
    await eventually(() => count('events')).toBeGreaterThan(turns.length);
    expect(await memory.getByRole('radio', { name: 'Learn' }).isChecked()).toBe(true);
    expect(await memory.getByRole('progressbar').count()).toBe(1);
    await window.toggleView('Chat');
    await memory.getByRole('tab', { name: 'Recorded' }).click();
    expect(await memory.locator('#memory-list').innerText()).toContain('reverses a string');
    await memory.locator('summary').last().click();
    await window.page.screenshot({
      path: path.join(ARTIFACTS, 'editor-memory.png'),
      clip: { x: 0, y: 36, width: 460, height: 732 },
    });
    await memory.getByRole('tab', { name: 'Memories' }).click();
    await window.toggleView('Chat');
  });
}
