// One fact is forgotten by the user's own command: what answers at once, what is left of it, and what the adapter made again knows.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { examineFacts, withSubject, type Exam } from './figures.ts';
import { normalised } from './extraction.ts';
import { filesWith } from './home.ts';
import { withHost } from './host.ts';
import { shareOf, type Marks } from './measure.ts';
import { factAfter, type Fact } from './persona.ts';
import type { Step } from './progress.ts';
import type { ForgottenFigures } from './rows.ts';
import { inForce, sleepNow, type Night } from './sleepNight.ts';
import { keyOf } from './statistics.ts';

const ANSWER_MS = 60_000;

export interface Forgetting {
  readonly model: string;
  readonly modelHash: string;
  readonly home: string;
  readonly exam: Exam;
  /** What the adapter before recalled, and the bare model. */
  readonly before: Marks;
  readonly base: Marks;
}

/** Known in full, told once and never changed; else the one that is known best. @throws {Error} when no fact has a card */
export function chooseForgotten(facts: readonly Fact[], before: Marks, said: readonly string[]): Fact {
  const texts = said.map(normalised);
  const known = ({ id }: Fact): number => shareOf(before.filter((mark) => mark.id === id)) || 0;
  const [chosen] = facts
    .filter(({ history: [told, ...more] }) => more.length === 0 && told?.night === 1)
    .filter(({ history: [told] }) => texts.some((text) => text.includes(normalised(told?.value ?? ''))))
    .toSorted((a, b) => known(b) - known(a));
  if (chosen === undefined) throw new Error('No fact is on a card, so there is nothing to forget.');
  return chosen;
}

/** The word, and what there is right after it. */
export async function forgetNow(
  { model, modelHash, home, exam, before, base }: Forgetting,
  step: Step,
): Promise<ForgottenFigures> {
  const { fact, left } = await withHost(model, home, async ({ client }) => {
    const { cards } = await client.request('zell/memory/cards', {}, AbortSignal.timeout(ANSWER_MS));
    const chosen = chooseForgotten(
      exam.facts,
      before,
      cards.map(({ statement }) => statement),
    );
    const value = normalised(factAfter(chosen, exam.night)?.value ?? '');
    const ids = cards.filter(({ statement }) => normalised(statement).includes(value)).map(({ id }) => id);
    await client.request('zell/memory/forget', { cards: ids }, AbortSignal.timeout(ANSWER_MS));
    const { versions } = await client.request('zell/adapters/list', {}, AbortSignal.timeout(ANSWER_MS));
    const stained = versions.filter((version) => version.cards.some((card) => ids.includes(card)));
    const files = stained.filter(({ version }) => existsSync(path.join(home, 'lora', modelHash, `${version}.lora`)));
    return { fact: chosen, left: files.length };
  });
  const value = factAfter(fact, exam.night)?.value ?? '';
  const answers = await withSubject(model, inForce(home, modelHash), (subject) =>
    examineFacts(subject, { ...exam, facts: [fact] }, step),
  );
  return {
    id: fact.id,
    base: shareOf(base.filter(({ id }) => id === fact.id)),
    atOnce: shareOf(answers.recall),
    othersBefore: shareOf(before.filter(({ id }) => id !== fact.id)),
    files: filesWith(home, [value]).length,
    left,
  };
}

/** The adapter is made again from what is left. */
export async function rebuild(
  { model, home, exam, before }: Forgetting,
  forgotten: ForgottenFigures,
  keep: string,
  step: Step,
): Promise<{ readonly night: Night; readonly forgotten: ForgottenFigures }> {
  const night = await withHost(model, home, ({ client }) =>
    sleepNow(client, home, keep, (done, of, words) => step((0.85 * done) / of, 1, words)),
  );
  const { recall } = await withSubject(model, night.adapter, (subject) =>
    examineFacts(subject, exam, (done, of) => step(0.85 + (0.15 * done) / of, 1, ': asking')),
  );
  const asked = new Set(before.map(keyOf));
  const of = (mine: boolean): Marks => recall.filter(({ id }) => (id === forgotten.id) === mine);
  return {
    night,
    forgotten: {
      ...forgotten,
      rebuilt: shareOf(of(true)),
      othersAfter: shareOf(of(false).filter((mark) => asked.has(keyOf(mark)))),
    },
  };
}
