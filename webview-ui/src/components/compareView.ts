/** One question, two answers side by side: the bare model, and the model with what it learned. Text stays text. */
import { element } from './dom.ts';

export class CompareView {
  readonly root: HTMLElement;
  readonly #answer: (prompt: string, adapter: boolean) => Promise<string | undefined>;
  readonly #prompt = element('input', {
    id: 'compare-prompt',
    attributes: { type: 'text', placeholder: 'Ask something that it learned', 'aria-label': 'Question to compare' },
  });
  readonly #ask = element('button', { class: 'primary', attributes: { type: 'submit' } }, 'Compare');
  readonly #base = column('Without');
  readonly #adapted = column('With');

  constructor(answer: (prompt: string, adapter: boolean) => Promise<string | undefined>) {
    this.#answer = answer;
    const form = element('form', { class: 'ask' }, this.#prompt, this.#ask);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#prompt.value.trim() !== '') void this.#run(this.#prompt.value.trim());
    });
    this.root = element(
      'section',
      { id: 'compare', attributes: { 'aria-label': 'Compare' } },
      element('h3', {}, 'With and without'),
      form,
      element('div', { class: 'columns', attributes: { 'aria-live': 'polite' } }, this.#base.root, this.#adapted.root),
    );
    this.root.hidden = true;
  }

  /** Undefined: no adapter answers, so there is nothing to compare. */
  enable(version: number | undefined): void {
    this.root.hidden = version === undefined;
    if (version !== undefined) this.#adapted.title.textContent = `With version ${version}`;
  }

  async #run(prompt: string): Promise<void> {
    this.#ask.disabled = true;
    this.#base.show('…');
    this.#adapted.show('…');
    // One after the other: both are read anyway, and each has the machine for itself.
    this.#base.show((await this.#answer(prompt, false)) ?? 'No answer.');
    this.#adapted.show((await this.#answer(prompt, true)) ?? 'No answer.');
    this.#ask.disabled = false;
  }
}

interface Column {
  readonly root: HTMLElement;
  readonly title: HTMLElement;
  show(text: string): void;
}

function column(name: string): Column {
  const title = element('h4', {}, name);
  const text = element('p', { class: 'answer' });
  const root = element('div', { class: 'column' }, title, text);
  root.hidden = true;
  return {
    root,
    title,
    show: (words) => {
      root.hidden = false;
      text.textContent = words.trim();
    },
  };
}
