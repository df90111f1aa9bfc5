/** The switch between chats that are remembered and chats of which nothing is kept, and the line that says which this one is. */
import { button, element } from './dom.ts';

export class IncognitoSwitch {
  readonly toggle: HTMLButtonElement;
  /** Stays in the page, so that its change is read aloud. */
  readonly note = element('p', { id: 'incognito', attributes: { role: 'status' } });
  #on = false;

  /** @param start begins a chat of that kind; a chat that was begun keeps the kind it has */
  constructor(start: (incognito: boolean) => void) {
    this.toggle = button(
      'Incognito',
      () => {
        start(!this.#on);
      },
      { id: 'incognito-toggle', attributes: { title: 'Begins a chat of which nothing is recorded, learnt or kept' } },
    );
    this.show(false);
  }

  get on(): boolean {
    return this.#on;
  }

  show(on: boolean): void {
    this.#on = on;
    this.toggle.setAttribute('aria-pressed', String(on));
    this.note.hidden = !on;
    this.note.textContent = on
      ? 'Incognito: nothing of this chat is recorded, learnt or kept. It ends with a new chat or when the window closes.'
      : '';
  }
}
