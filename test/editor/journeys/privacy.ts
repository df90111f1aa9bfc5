/** What all the journeys before left behind: nothing outside this machine, and no text of a person in a log. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { EXCLUDED_QUESTION, LONG_QUESTION } from '../chatPage.ts';
import type { Stage } from '../stage.ts';

export function privacyJourney(stage: () => Stage): void {
  test('no page asked anybody but this machine', () => {
    expect(stage().foreign).toEqual([]);
  });

  test('the memory has nothing of the excluded workspace, and of one file only: the excluded one was tried first', () => {
    const events = stage().zell.events();
    expect(JSON.stringify(events)).not.toContain(EXCLUDED_QUESTION);
    const taken = events.filter(({ type }) => type === 'completion.accepted');
    expect(new Set(taken.map(({ data }) => data?.['file'])).size).toBe(1);
  });

  test('no log holds what was asked or answered', () => {
    const { zell } = stage();
    const logs = readdirSync(zell.home).filter((name) => /\.log/.test(name));
    expect(logs).toContain('engine.log');
    const answer = zell
      .events()
      .find(({ type }) => type === 'chat.turn')!
      .response.slice(0, 20);
    for (const name of logs) {
      const text = readFileSync(path.join(zell.home, name), 'utf8');
      for (const said of [LONG_QUESTION, answer, 'TOKEN2']) expect(text, name).not.toContain(said);
    }
  });
}
