/** What sleeps made: the last one's report, every version with its scores, one question to both sides, the way back. */
import type { AdapterList, AdapterVersion } from '#protocol/adapters.ts';
import type { Card } from '#protocol/memory.ts';
import { sleepReport, STATES } from '../state/sleepReport.ts';
import { whenWords } from '../state/times.ts';
import { CompareView } from './compareView.ts';
import { confirmed } from './confirmed.ts';
import { element } from './dom.ts';

export interface AdapterActions {
  rollback(): void;
  answer(prompt: string, adapter: boolean): Promise<string | undefined>;
}

export class AdapterPanel {
  readonly root = element('div', {});
  readonly #report = element('section', { id: 'sleep-report', attributes: { 'aria-label': 'Last sleep' } });
  readonly #compare: CompareView;
  readonly #versions = element('section', { id: 'adapters', attributes: { 'aria-label': 'Adapters' } });
  readonly #actions: AdapterActions;

  constructor(actions: AdapterActions) {
    this.#actions = actions;
    this.#compare = new CompareView((prompt, adapter) => actions.answer(prompt, adapter));
    this.root.append(this.#report, this.#compare.root, this.#versions);
  }

  load(adapters: AdapterList | undefined, cards: readonly Card[]): void {
    this.#showReport(adapters, cards);
    this.#compare.enable(adapters?.active ?? undefined);
    if (adapters === undefined || adapters.versions.length === 0) {
      const words =
        adapters === undefined
          ? 'No model is loaded.'
          : 'This model has learned no adapter yet. One is trained in a sleep, and answers only when it has passed its test.';
      this.#versions.replaceChildren(element('p', { class: 'empty' }, words));
      return;
    }
    const { active, versions, problem } = adapters;
    this.#versions.replaceChildren(
      element(
        'div',
        { class: 'row' },
        element('h3', {}, 'Adapters'),
        ...(active === null
          ? []
          : [
              confirmed(
                'Roll Back',
                'Really roll back?',
                'Roll back to the adapter before this one',
                () => {
                  this.#actions.rollback();
                },
                {
                  id: 'rollback',
                },
              ),
            ]),
      ),
      ...(problem === undefined ? [] : [element('p', { class: 'warning' }, problem)]),
      element('ul', {}, ...versions.toReversed().map((version) => versionView(version, version.version === active))),
    );
  }

  #showReport(adapters: AdapterList | undefined, cards: readonly Card[]): void {
    const report =
      adapters &&
      sleepReport(
        adapters,
        cards.map(({ id }) => id),
      );
    this.#report.hidden = report === undefined;
    if (report === undefined) return;
    this.#report.dataset['outcome'] = report.outcome;
    this.#report.replaceChildren(
      element('h3', {}, report.title),
      element('p', { class: 'meta' }, `Last sleep, ${whenWords(report.at, Date.now())}`),
      ...report.lines.map((line) => element('p', {}, line)),
    );
  }
}

function versionView(version: AdapterVersion, active: boolean): HTMLElement {
  const { verdict } = version;
  return element(
    'li',
    { class: active ? 'version active' : 'version', attributes: { 'data-version': String(version.version) } },
    element(
      'div',
      { class: 'row' },
      element('strong', {}, `Version ${version.version}`),
      ...(active ? [element('span', { class: 'state learned' }, 'answers now')] : []),
    ),
    element(
      'p',
      { class: 'meta' },
      [
        whenWords(version.createdAt, Date.now()),
        version.by === 'sleep' ? 'from a sleep' : 'imported',
        `${version.cards.length} ${version.cards.length === 1 ? 'memory' : 'memories'}`,
        ...(active ? [] : [STATES[version.state]]),
      ].join(' · '),
    ),
    ...(verdict === undefined ? [] : [scores(verdict)]),
  );
}

/** The numbers of the gate, in words; the largest of the drifts, as one is too many. */
function scores({ numbers, scale }: NonNullable<AdapterVersion['verdict']>): HTMLElement {
  const part = (name: string): string[] => {
    const value = numbers[name];
    return value === undefined ? [] : [`${Math.round(value * 100)} %`];
  };
  const drifts = Object.entries(numbers).flatMap(([name, value]) => (name.startsWith('drift ') ? value : []));
  const rows: [string, string, string[]][] = [
    ['Recalls', 'New memories that it tells in other words', part('recallAfter')],
    [
      'Chooses',
      'New memories that it picks among ten answers; without it',
      joined(part('choiceAfter'), part('choiceBefore')),
    ],
    ['Keeps', 'Earlier memories that it knows; before', joined(part('oldAfter'), part('oldBefore'))],
    ['Makes up', 'Claims to know what was never said; without it', joined(part('claimsAfter'), part('claimsBefore'))],
    [
      'Changes the rest by',
      'Largest change of texts that have nothing to do with you',
      drifts.length === 0 ? [] : [`${((Math.max(...drifts) - 1) * 100).toFixed(1)} %`],
    ],
    ['Strength', 'How much of it is added to the model', [scale.toFixed(2)]],
  ];
  return element(
    'dl',
    { class: 'scores' },
    ...rows.flatMap(([label, hint, [value]]) =>
      value === undefined ? [] : [element('dt', { attributes: { title: hint } }, label), element('dd', {}, value)],
    ),
  );
}

function joined([after]: string[], [before]: string[]): string[] {
  return after === undefined ? [] : [before === undefined ? after : `${after} (before ${before})`];
}
