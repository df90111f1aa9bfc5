/** Two windows, one engine. */
import { expect, test } from 'vitest';
import { ANSWER_MS, ask, EXCLUDED_QUESTION, lastAnswer } from '../chatPage.ts';
import { eventually } from '../eventually.ts';
import type { Stage } from '../stage.ts';

export function windowsJourney(stage: () => Stage): void {
  test('a second window joins the same host', async () => {
    const { zell, secondWindow } = stage();
    const host = zell.announcement()?.pid;
    await eventually(async () => (await zell.status()).leases).toBe(1);
    const second = await secondWindow();
    try {
      await second.ready();
      expect(await zell.status()).toMatchObject({ pid: host, leases: 2 });
      // Its chats are its own: they belong to the folder.
      await second.showViews();
      const chat = await second.chat();
      await eventually(() => chat.locator('#empty').isVisible()).toBe(true);
      // Whether it was remembered shows at the end of all journeys.
      await ask(chat, EXCLUDED_QUESTION);
      await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    } finally {
      await second.close();
    }
  });
}
