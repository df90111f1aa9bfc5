/** Where the question is written: text, the selection as a chip, send and stop. */
import { button, element } from './dom.ts';

export interface ComposerActions {
  send(text: string, attachSelection: boolean): void;
  stop(): void;
  /** The draft changed. */
  draft(text: string): void;
}

export class Composer {
  readonly root: HTMLElement;
  readonly #prompt = element('textarea', {
    id: 'prompt',
    attributes: {
      rows: '2',
      'aria-label': 'Message to Zell',
      placeholder: 'Ask Zell. Enter sends, Shift+Enter starts a line.',
    },
  });
  readonly #send: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #chip = element('div', { id: 'selection', class: 'chip' });
  readonly #actions: ComposerActions;
  #label: string | undefined;
  /** The selection that the user does not want to send. */
  #dismissed: string | undefined;
  #answering = false;

  constructor(actions: ComposerActions) {
    this.#actions = actions;
    this.#send = button(
      'Send',
      () => {
        this.#submit();
      },
      { id: 'send', class: 'primary' },
    );
    this.#stop = button(
      'Stop',
      () => {
        actions.stop();
      },
      { id: 'stop', attributes: { 'aria-keyshortcuts': 'Escape' } },
    );
    this.#prompt.addEventListener('keydown', (event) => {
      // While an input method composes, Enter belongs to it.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#prompt.addEventListener('input', () => {
      actions.draft(this.#prompt.value);
    });
    this.root = element(
      'section',
      { id: 'composer', attributes: { 'aria-label': 'Your message' } },
      this.#chip,
      this.#prompt,
      element('div', { class: 'buttons' }, this.#stop, this.#send),
    );
    this.select(undefined);
    this.setAnswering(false);
  }

  focus(): void {
    this.#prompt.focus();
  }

  restore(draft: string): void {
    this.#prompt.value = draft;
  }

  setAnswering(answering: boolean): void {
    this.#answering = answering;
    this.#stop.hidden = !answering;
    this.#send.hidden = answering;
  }

  /** The selection in the editor has this label now; undefined when there is none. */
  select(label: string | undefined): void {
    this.#label = label;
    if (label !== this.#dismissed) this.#dismissed = undefined;
    this.#chip.hidden = label === undefined || this.#dismissed !== undefined;
    if (label === undefined) return;
    const remove = button(
      '×',
      () => {
        this.#dismissed = this.#label;
        this.select(this.#label);
        this.#prompt.focus();
      },
      { class: 'chip-remove', attributes: { 'aria-label': `Do not send ${label}` } },
    );
    this.#chip.replaceChildren(element('span', { attributes: { title: label } }, `Selection: ${label}`), remove);
  }

  #submit(): void {
    const text = this.#prompt.value.trim();
    if (text === '' || this.#answering) return;
    this.#actions.send(text, !this.#chip.hidden);
    this.#prompt.value = '';
    this.#actions.draft('');
  }
}
