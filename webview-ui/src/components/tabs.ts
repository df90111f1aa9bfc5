/** Tabs by the pattern of ARIA: one in the tab order, arrow keys between them, the panel follows at once. */
import { element } from './dom.ts';

export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly panel: HTMLElement;
}

export class Tabs {
  readonly root: HTMLElement;
  readonly #tabs: readonly { readonly tab: Tab; readonly handle: HTMLButtonElement; readonly count: HTMLElement }[];
  readonly #chosen: (id: string) => void;

  constructor(label: string, tabs: readonly Tab[], chosen: (id: string) => void) {
    this.#chosen = chosen;
    this.#tabs = tabs.map((tab) => {
      const count = element('span', { class: 'count' });
      const handle = element(
        'button',
        {
          id: `tab-${tab.id}`,
          attributes: { type: 'button', role: 'tab', 'aria-controls': `panel-${tab.id}` },
          on: {
            click: () => {
              this.choose(tab.id);
            },
          },
        },
        tab.label,
        count,
      );
      return { tab, handle, count };
    });
    const list = element(
      'div',
      { class: 'tabs', attributes: { role: 'tablist', 'aria-label': label } },
      ...this.#tabs.map(({ handle }) => handle),
    );
    list.addEventListener('keydown', (event) => {
      this.#move(event);
    });
    const panels = this.#tabs.map(({ tab: { id, panel } }) => {
      panel.id = `panel-${id}`;
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-labelledby', `tab-${id}`);
      return panel;
    });
    this.root = element('div', { class: 'tabbed' }, list, ...panels);
  }

  choose(id: string): void {
    for (const { tab, handle } of this.#tabs) {
      const selected = tab.id === id;
      handle.setAttribute('aria-selected', String(selected));
      handle.tabIndex = selected ? 0 : -1;
      tab.panel.hidden = !selected;
    }
    this.#chosen(id);
  }

  count(id: string, value: number): void {
    const found = this.#tabs.find(({ tab }) => tab.id === id);
    if (found) found.count.textContent = value.toLocaleString();
  }

  #move(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex(({ handle }) => handle === document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    const next = to === undefined ? undefined : this.#tabs.at(to % this.#tabs.length);
    if (at < 0 || !next) return;
    event.preventDefault();
    this.choose(next.tab.id);
    next.handle.focus();
  }
}
