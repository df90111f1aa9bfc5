/** What the gate measured, as a table for people: without the adapter, with it, and what was needed. */
import type { GateLimits, Verdict } from '#protocol/adapters.ts';

/** What a row measures, its two numbers in the verdict, and what the second one has to be. */
type Row = readonly [what: string, before: string, after: string, needed: string];

function rows(limits: GateLimits): readonly Row[] {
  const { choiceGain, oldLoss, claimsRise } = limits;
  return [
    ['new memories, chosen', 'choiceBefore', 'choiceAfter', `${points(choiceGain)} points more`],
    ['memories, recalled', 'recallBefore', 'recallAfter', ''],
    ['earlier memories, chosen', 'oldBefore', 'oldAfter', `at most ${points(oldLoss)} points fewer`],
    ['claims about the unknown', 'claimsBefore', 'claimsAfter', `at most ${points(claimsRise)} points more`],
  ];
}

/** Rows of equal width; those that were not measured are left out. */
export function verdictTable(verdict: Verdict, limits: GateLimits): string[] {
  const { numbers } = verdict;
  const lines: (readonly [string, string, string, string])[] = [['', 'without', 'with', 'needed']];
  for (const [what, before, after, needed] of rows(limits))
    if (numbers[after] !== undefined) lines.push([what, percent(numbers[before]), percent(numbers[after]), needed]);
  if (numbers['ended'] !== undefined)
    lines.push(['answers that end', '', percent(numbers['ended']), `at least ${percent(limits.ended)}`]);
  for (const [name, ratio] of Object.entries(numbers))
    if (name.startsWith('drift '))
      lines.push([`change of ${name.slice(6)}`, '1', ratio.toFixed(3), `at most ${limits.drift}`]);
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const table = lines.map(([what, before, after, needed]) =>
    [what.padEnd(widths[0] ?? 0), before.padStart(widths[1] ?? 0), after.padStart(widths[2] ?? 0), needed]
      .join('  ')
      .trimEnd(),
  );
  return [...table, ...doseLines(verdict)];
}

/** Of several doses each says why it failed; the table is about the first that is named. */
function doseLines({ passed, scale, failed, tried }: Verdict): string[] {
  if (tried === undefined) return [`dose ${scale}: ${passed ? 'passed' : 'not passed'}`, ...failed];
  const others = tried.filter((dose) => dose.scale !== scale);
  return [
    `dose ${scale}: ${passed ? 'passed' : `not passed, the nearest of ${tried.length}`}`,
    ...failed,
    ...others.map((dose) => `dose ${dose.scale}: not passed. ${dose.failed.join(' ')}`),
  ];
}

function points(share: number): string {
  return String(Math.round(share * 100));
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(share * 100)} %`;
}
