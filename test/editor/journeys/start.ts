/** From an installed package to a model that is ready, without a word from the user. */
import { expect, test } from 'vitest';
import type { Stage } from '../stage.ts';

export function startJourney(stage: () => Stage): void {
  test('the status bar goes from starting to the name of the model', async () => {
    const { window } = stage();
    await window.status.filter({ hasText: 'smollm2-135m' }).waitFor({ timeout: 90_000 });
    const said = await window.statusHistory();
    expect(said[0]).toMatch(/^Zell: (?:engine stopped|starting)/);
    expect(said.some((label) => label.startsWith('Zell: starting.'))).toBe(true);
    expect(said.at(-1)).toMatch(/^Zell: ready, smollm2-135m/);
  });
}
