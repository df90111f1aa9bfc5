/** A reply that streams in: finished blocks are rendered once, only the last one again and again. */
import { hasReferences, lastBlockStart, renderMarkdown } from './markdown.ts';
import { button, element } from './dom.ts';
import { safeFragment } from './safeFragment.ts';

/** What a click in a reply can ask for. */
export interface ReplyActions {
  copy(code: string): void;
  insert(code: string): void;
  open(href: string): void;
}

export class ReplyView {
  readonly root = element('div', { class: 'markdown' });
  readonly #finished = element('div');
  readonly #last = element('div');
  readonly #actions: ReplyActions;
  #source = '';
  /** Length of the source that `#finished` shows. */
  #finishedLength = 0;
  #frame: number | undefined;

  constructor(actions: ReplyActions) {
    this.#actions = actions;
    this.root.append(this.#finished, this.#last);
  }

  /** Shows the text; drawn with the next frame. Text that only grew costs its last block. */
  show(source: string): void {
    if (!source.startsWith(this.#source.slice(0, this.#finishedLength))) this.#reset();
    this.#source = source;
    this.#frame ??= requestAnimationFrame(() => {
      this.#draw();
    });
  }

  /** No more text will come. */
  finish(): void {
    if (hasReferences(this.#source)) this.#reset();
    this.#draw();
  }

  #reset(): void {
    this.#finished.replaceChildren();
    this.#finishedLength = 0;
  }

  #draw(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    const tail = this.#source.slice(this.#finishedLength);
    const split = lastBlockStart(tail);
    if (split > 0) {
      this.#finished.append(this.#nodes(tail.slice(0, split)));
      this.#finishedLength += split;
    }
    this.#last.replaceChildren(this.#nodes(tail.slice(split)));
  }

  #nodes(source: string): DocumentFragment {
    const fragment = safeFragment(renderMarkdown(source));
    for (const code of fragment.querySelectorAll<HTMLElement>('.code')) this.#addCodeActions(code);
    for (const link of fragment.querySelectorAll<HTMLElement>('a.link')) this.#addLinkAction(link);
    return fragment;
  }

  #addCodeActions(block: HTMLElement): void {
    const text = (): string => block.querySelector('code')?.textContent ?? '';
    const copy = button('Copy', () => {
      this.#actions.copy(text());
      copy.textContent = 'Copied';
      setTimeout(() => {
        copy.textContent = 'Copy';
      }, 1500);
    });
    const insert = button('Insert at Cursor', () => {
      this.#actions.insert(text());
    });
    block.prepend(element('div', { class: 'code-bar' }, ...block.querySelectorAll('.code-language'), copy, insert));
  }

  #addLinkAction(link: HTMLElement): void {
    const href = link.dataset['href'] ?? '';
    const open = (event: Event): void => {
      event.preventDefault();
      this.#actions.open(href);
    };
    link.addEventListener('click', open);
    link.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') open(event);
    });
    // The text of a link may lie about where it leads: the address stands beside it.
    if (link.textContent !== href) link.append(element('span', { class: 'link-address' }, ` (${href})`));
  }
}
