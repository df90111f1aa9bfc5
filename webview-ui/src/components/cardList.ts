/**
 * All memories, newest first, with a search. Only as many are drawn as somebody scrolled to, so that thousands cost what a hundred cost.
 * One card is in the tab order; arrow keys, Home and End go from card to card.
 */
import type { Card } from '#protocol/memory.ts';
import { CardSearch } from '../state/cardSearch.ts';
import { cardView, type CardActions } from './cardView.ts';
import { element } from './dom.ts';

const PIECE = 60;

export class CardList {
  readonly root: HTMLElement;
  readonly #actions: CardActions;
  readonly #search = element('input', {
    id: 'card-search',
    attributes: {
      type: 'search',
      placeholder: 'Search memories',
      'aria-label': 'Search memories',
      autocomplete: 'off',
    },
  });
  readonly #found = element('p', { id: 'card-count', class: 'under', attributes: { role: 'status' } });
  readonly #list = element('ul', { id: 'cards', attributes: { 'aria-label': 'Memories' } });
  readonly #empty = element('p', { id: 'cards-empty', class: 'empty' });
  readonly #end = element('div', { attributes: { 'aria-hidden': 'true' } });
  #finder = new CardSearch([]);
  #total = 0;
  #learned: ReadonlySet<string> = new Set();
  #matches: readonly Card[] = [];
  #current = '';
  /** What arrived while a card was being edited. */
  #late: (() => void) | undefined;

  constructor(actions: CardActions) {
    this.#actions = {
      ...actions,
      edit: async (id, statement, value) => {
        const done = await actions.edit(id, statement, value);
        if (done) this.#drawLate(true);
        return done;
      },
    };
    this.root = element('div', {}, this.#search, this.#found, this.#list, this.#empty, this.#end);
    this.#search.addEventListener('input', () => {
      this.#draw(0);
    });
    this.#list.addEventListener('keydown', (event) => {
      this.#move(event);
    });
    this.#list.addEventListener('focusin', (event) => {
      const item = (event.target as Element).closest<HTMLElement>('li.card');
      if (item) this.#makeCurrent(item);
    });
    this.#list.addEventListener('focusout', () =>
      setTimeout(() => {
        this.#drawLate(false);
      }),
    );
    new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) this.#more();
      },
      { rootMargin: '600px' },
    ).observe(this.#end);
  }

  /** `learned`: ids of those that the adapter in force was taught. */
  load(cards: readonly Card[], learned: ReadonlySet<string>): void {
    const take = (): void => {
      this.#finder = new CardSearch(cards);
      this.#total = cards.length;
      this.#learned = learned;
      this.#draw(this.#list.childElementCount);
    };
    // Nobody's half-written sentence is taken away.
    if (this.#list.querySelector('form')) this.#late = take;
    else take();
  }

  #drawLate(closed: boolean): void {
    if (!this.#late || (!closed && this.#list.querySelector('form'))) return;
    const take = this.#late;
    this.#late = undefined;
    take();
  }

  /** Anew, at least as many as before; what was open or had the focus has it again. */
  #draw(atLeast: number): void {
    const open = new Set(
      [...this.#list.querySelectorAll<HTMLElement>('[data-act=source][aria-expanded=true]')].map(idOf),
    );
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    const act = focused?.getAttribute('data-act');
    this.#matches = this.#finder.find(this.#search.value);
    this.#list.replaceChildren();
    const shown = Math.max(PIECE, atLeast);
    while (this.#list.childElementCount < Math.min(shown, this.#matches.length)) this.#piece();
    const searching = this.#search.value.trim() !== '';
    this.#search.hidden = this.#total === 0;
    this.#found.textContent = searching ? `${this.#matches.length} of ${this.#total}` : '';
    this.#empty.hidden = this.#matches.length > 0;
    this.#empty.textContent =
      this.#total === 0
        ? 'No memories yet. Tell Zell something about you or your project in a chat; when it sleeps, it keeps what matters.'
        : 'No memory has these words.';
    for (const id of open) this.#find(id)?.querySelector<HTMLElement>('[data-act=source]')?.click();
    const item = this.#find(this.#current) ?? this.#list.querySelector<HTMLElement>('li.card');
    if (!item) return;
    this.#makeCurrent(item);
    if (focused) (act ? (item.querySelector<HTMLElement>(`[data-act=${act}]`) ?? item) : item).focus();
  }

  #more(): void {
    if (this.#list.childElementCount < this.#matches.length) this.#piece();
  }

  #piece(): void {
    const from = this.#list.childElementCount;
    const cards = this.#matches.slice(from, from + PIECE);
    this.#list.append(
      ...cards.map((card, i) => {
        const item = cardView(card, this.#learned.has(card.id), this.#actions);
        item.setAttribute('aria-posinset', String(from + i + 1));
        item.setAttribute('aria-setsize', String(this.#matches.length));
        return item;
      }),
    );
  }

  #makeCurrent(item: HTMLElement): void {
    this.#find(this.#current)?.setAttribute('tabindex', '-1');
    this.#current = item.dataset['card'] ?? '';
    item.setAttribute('tabindex', '0');
  }

  #move(event: KeyboardEvent): void {
    const item = (event.target as Element).closest<HTMLElement>('li.card');
    if (!item || item.querySelector('form')) return;
    const to = {
      ArrowDown: item.nextElementSibling,
      ArrowUp: item.previousElementSibling,
      Home: this.#list.firstElementChild,
      End: this.#list.lastElementChild,
    }[event.key] as HTMLElement | null | undefined;
    const act = { Enter: 'source', F2: 'edit', Delete: 'forget' }[event.key];
    if (event.target === item && act !== undefined) item.querySelector<HTMLElement>(`[data-act=${act}]`)?.click();
    else if (to) to.focus();
    else return;
    event.preventDefault();
  }

  #find(id: string): HTMLElement | null {
    return id === '' ? null : this.#list.querySelector<HTMLElement>(`li[data-card="${CSS.escape(id)}"]`);
  }
}

function idOf(button: HTMLElement): string {
  return button.closest<HTMLElement>('li')?.dataset['card'] ?? '';
}
