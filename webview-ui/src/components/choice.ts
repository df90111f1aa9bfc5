/** One of a few, side by side: radio buttons that look like one switch. Arrow keys choose, as radio buttons do. */
import { element } from './dom.ts';

export interface ChoiceOption<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint: string;
}

export class Choice<T extends string> {
  readonly root: HTMLElement;
  readonly #inputs: ReadonlyMap<T, HTMLInputElement>;

  /** `chosen` is called with the wish of the user; `show` says what came of it. */
  constructor(name: string, label: string, options: readonly ChoiceOption<T>[], chosen: (value: T) => void) {
    const made = options.map(({ value, label: words, hint }) => {
      const input = element('input', {
        id: `${name}-${value}`,
        attributes: { type: 'radio', name, value },
        on: {
          change: () => {
            chosen(value);
          },
        },
      });
      const text = element('label', { attributes: { for: `${name}-${value}`, title: hint } }, words);
      return { value, input, text };
    });
    this.#inputs = new Map(made.map(({ value, input }) => [value, input]));
    this.root = element(
      'div',
      { id: name, class: 'choice', attributes: { role: 'radiogroup', 'aria-label': label } },
      ...made.flatMap(({ input, text }) => [input, text]),
    );
  }

  show(value: T): void {
    const input = this.#inputs.get(value);
    if (input) input.checked = true;
  }
}
