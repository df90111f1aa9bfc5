/** The upper half of the memory page: mode, what Zell is doing and why, how far the next sleep is, and the buttons for it. */
import type { LossCurve, MemoryMode, MemoryStatus } from '#protocol/memory.ts';
import { LossSeries } from '../state/lossSeries.ts';
import { sleepView, type LiveMemory } from '../state/sleepView.ts';
import { Choice } from './choice.ts';
import { button, element } from './dom.ts';
import { LossChart } from './lossChart.ts';

export interface SleepActions {
  setMode(mode: MemoryMode): void;
  sleep(): void;
  wake(): void;
  pause(): void;
  resume(): void;
}

export class SleepPanel {
  readonly root: HTMLElement;
  readonly #mode: Choice<MemoryMode>;
  readonly #title = element('h2', { id: 'memory-state' });
  readonly #reason = element('p', { id: 'memory-reason' });
  readonly #bar = element('progress', { id: 'memory-progress' });
  readonly #under = element('p', { id: 'memory-waiting', class: 'under' });
  readonly #sleep: HTMLButtonElement;
  readonly #wake: HTMLButtonElement;
  readonly #pause: HTMLButtonElement;
  readonly #resume: HTMLButtonElement;
  readonly #counts = element('dl', {});
  readonly #series = new LossSeries();
  readonly #chart = new LossChart();
  #last: LiveMemory | undefined;
  /** The training of which the curve is. */
  #training = false;

  constructor(actions: SleepActions) {
    this.#mode = new Choice<MemoryMode>(
      'memory-mode',
      'Memory mode',
      [
        { value: 'learn', label: 'Learn', hint: 'Record conversations, and learn from them while the machine is idle' },
        { value: 'log', label: 'Record only', hint: 'Record conversations, but do not learn from them' },
        { value: 'off', label: 'Off', hint: 'Record nothing and learn nothing' },
      ],
      (mode) => {
        actions.setMode(mode);
      },
    );
    this.#sleep = button(
      'Sleep Now',
      () => {
        actions.sleep();
      },
      { id: 'sleep-now', class: 'primary' },
    );
    this.#wake = button(
      'Wake',
      () => {
        actions.wake();
      },
      { id: 'wake' },
    );
    this.#pause = button(
      'Pause…',
      () => {
        actions.pause();
      },
      { id: 'pause' },
    );
    this.#resume = button(
      'Resume',
      () => {
        actions.resume();
      },
      { id: 'resume', class: 'primary' },
    );
    this.root = element(
      'section',
      { id: 'memory-status', attributes: { 'aria-label': 'State of the memory' } },
      this.#mode.root,
      element(
        'div',
        { class: 'panel' },
        element(
          'div',
          { class: 'headline' },
          element('span', { class: 'dot', attributes: { 'aria-hidden': 'true' } }),
          this.#title,
        ),
        this.#reason,
        this.#bar,
        this.#under,
        this.#chart.root,
        element('div', { class: 'buttons' }, this.#sleep, this.#wake, this.#pause, this.#resume),
      ),
      this.#counts,
    );
    this.#title.setAttribute('aria-live', 'polite');
  }

  load(status: MemoryStatus, curve: LossCurve): void {
    this.#series.load(curve);
    this.#training = status.sleep?.phase === 'training';
    this.#counts.replaceChildren(
      ...count('Conversations', 'conversations', status.conversations),
      ...count('Exchanges', 'events', status.events),
      ...count('Learned from', 'consolidated', status.consolidated),
      ...count('Not learned from yet', 'unconsolidated', status.unconsolidated),
    );
    this.show(status);
  }

  /** Called at every push, up to ten times a second: changes what is there instead of making it anew. */
  show(memory: LiveMemory): void {
    this.#last = memory;
    const view = sleepView(memory);
    this.root.dataset['mood'] = view.mood;
    this.#mode.show(memory.mode);
    setText(this.#title, view.title);
    setText(this.#reason, view.reason);
    this.#showBar(view);
    this.#sleep.hidden = !view.canSleep;
    this.#wake.hidden = !view.canWake;
    this.#pause.hidden = view.pause !== 'pause';
    this.#resume.hidden = view.pause !== 'resume';
    this.#showCurve(memory);
  }

  /** What was wished and refused is taken back. */
  again(): void {
    if (this.#last) this.show(this.#last);
  }

  #showBar({ next, work }: ReturnType<typeof sleepView>): void {
    const shown = work ?? next;
    this.#bar.hidden = shown === undefined;
    this.#under.hidden = shown === undefined;
    if (shown === undefined) return;
    this.#bar.max = work ? 1 : (next?.of ?? 1);
    this.#bar.value = work?.done ?? next?.waiting ?? 0;
    this.#bar.setAttribute('aria-label', work ? 'Progress of this step' : shown.words);
    setText(this.#under, shown.words);
  }

  #showCurve({ sleep }: LiveMemory): void {
    const training = sleep?.phase === 'training';
    if (training && !this.#training) this.#series.load({ steps: 0, points: [] });
    this.#training = training;
    if (training) this.#series.push(sleep.progress?.step, sleep.progress?.steps, sleep.progress?.loss);
    if (training || sleep?.phase === 'evaluating') this.#chart.draw(this.#series);
    else this.#chart.root.hidden = true;
  }
}

/** A live region speaks when its text changes; the same text again must not change it. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

function count(label: string, name: string, value: number): HTMLElement[] {
  return [element('dt', {}, label), element('dd', { attributes: { 'data-count': name } }, value.toLocaleString())];
}
