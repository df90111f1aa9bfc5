/** How the last sleep ended, in plain words: from the verdict that the gate wrote down, so that it is there after a restart, too. */
import type { AdapterList, AdapterVersion, Verdict } from '#protocol/adapters.ts';

export interface SleepReportView {
  readonly at: number;
  readonly outcome: 'learned' | 'unchanged';
  readonly title: string;
  readonly lines: readonly string[];
}

/** Undefined: there was no sleep with a verdict. `cards`: ids of those that hold now. */
export function sleepReport(adapters: AdapterList, cards: readonly string[]): SleepReportView | undefined {
  const { versions, active } = adapters;
  const version = versions.findLast(({ by, verdict }) => by === 'sleep' && verdict !== undefined);
  const verdict = version?.verdict;
  if (version === undefined || verdict === undefined) return undefined;
  const at = version.createdAt;
  if (!verdict.passed)
    return {
      at,
      outcome: 'unchanged',
      title: 'Nothing was changed',
      lines: ['What was trained did not pass its test, so answers stay as they were:', ...failureLines(verdict)],
    };
  const parent = versions.find((one) => one.version === version.parent);
  const before = new Set(parent?.cards);
  const learned = version.cards.filter((card) => !before.has(card)).length;
  const taught = new Set(version.cards);
  const waiting = cards.filter((card) => !taught.has(card)).length;
  return {
    at,
    outcome: 'learned',
    title: learned === 0 ? 'Practised what it knew' : `Learned ${counted(learned, 'memory', 'memories')}`,
    lines: [
      ...recallLine(version),
      forgotLine(version, before.size),
      ...(waiting === 0 ? [] : [`${counted(waiting, 'memory waits', 'memories wait')} for the next sleep.`]),
      ...(version.version === active ? [] : [`It does not answer any more: ${STATES[version.state]}.`]),
    ],
  };
}

/** Of several strengths, the nearest to passing first. */
function failureLines({ failed, scale, tried }: Verdict): string[] {
  if (tried === undefined) return [...failed];
  const others = tried.filter((dose) => dose.scale !== scale);
  return [
    `Of ${tried.length} strengths, ${percent(scale)} came nearest to passing:`,
    ...failed,
    ...others.map((dose) => `At ${percent(dose.scale)}: ${dose.failed.join(' ')}`),
  ];
}

/** What became of a version. */
export const STATES: Readonly<Record<AdapterVersion['state'], string>> = {
  candidate: 'not tested yet',
  promoted: 'passed its test',
  rejected: 'did not pass its test',
  rolledback: 'rolled back',
  withdrawn: 'withdrawn, because something in it was forgotten',
  dropped: 'its file made room for newer ones',
  damaged: 'its file is damaged or missing',
};

function recallLine({ verdict }: AdapterVersion): string[] {
  const { recallAfter, choiceAfter } = verdict?.numbers ?? {};
  if (recallAfter === undefined) return [];
  const chosen = choiceAfter === undefined ? '' : `, and ${percent(choiceAfter)} when it may choose among answers`;
  return [`Asked in other words, it recalls ${percent(recallAfter)} of what is new${chosen}.`];
}

function forgotLine({ verdict }: AdapterVersion, earlier: number): string {
  const { oldBefore = 1, oldAfter = 1 } = verdict?.numbers ?? {};
  if (earlier === 0) return 'There was nothing earlier to forget.';
  if (oldAfter >= oldBefore) return 'It forgot nothing of what it knew before.';
  return `Of earlier memories it knows ${percent(oldAfter)}, ${percent(oldBefore)} before.`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
