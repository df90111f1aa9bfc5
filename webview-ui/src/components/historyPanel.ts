/** The list of earlier chats, opened by a button. */
import type { ChatHistoryEntry } from '#protocol/webview.ts';
import { button, element } from './dom.ts';

export interface HistoryActions {
  open(id: string): void;
  remove(id: string): void;
}

export class HistoryPanel {
  readonly toggle: HTMLButtonElement;
  readonly root = element('nav', { id: 'history', attributes: { 'aria-label': 'Earlier chats' } });
  readonly #actions: HistoryActions;

  constructor(actions: HistoryActions) {
    this.#actions = actions;
    this.toggle = button(
      'History',
      () => {
        this.setOpen(this.root.hidden !== false);
      },
      { id: 'history-toggle', attributes: { 'aria-controls': 'history' } },
    );
    this.setOpen(false);
  }

  setOpen(open: boolean): void {
    this.root.hidden = !open;
    this.toggle.setAttribute('aria-expanded', String(open));
  }

  show(history: readonly ChatHistoryEntry[]): void {
    if (history.length === 0) {
      this.root.replaceChildren(element('p', {}, 'No earlier chats.'));
      return;
    }
    const items = history.map(({ id, title, updatedAt }) =>
      element(
        'li',
        { attributes: { 'data-session': id } },
        button(
          title,
          () => {
            this.setOpen(false);
            this.#actions.open(id);
          },
          { class: 'history-open', attributes: { title: new Date(updatedAt).toLocaleString() } },
        ),
        button(
          'Delete',
          () => {
            this.#actions.remove(id);
          },
          { class: 'history-remove', attributes: { 'aria-label': `Delete ${title}` } },
        ),
      ),
    );
    this.root.replaceChildren(element('ul', {}, ...items));
  }
}
