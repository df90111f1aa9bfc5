/** One question or one answer. */
import type { ChatTurn } from '#protocol/webview.ts';
import { button, element } from './dom.ts';
import { ReplyView, type ReplyActions } from './replyView.ts';
import { usedMemories, type MemoryActions } from './usedMemories.ts';

export interface TurnActions extends ReplyActions, MemoryActions {
  retry(): void;
}

export class TurnView {
  readonly root: HTMLElement;
  readonly #reply: ReplyView | undefined;
  readonly #note = element('div', { class: 'turn-note' });
  readonly #actions: TurnActions;
  #memories: HTMLElement | undefined;
  #turn: ChatTurn;

  constructor(turn: ChatTurn, actions: TurnActions) {
    this.#actions = actions;
    this.#turn = turn;
    const mine = turn.role === 'user';
    this.root = element('article', {
      class: `turn ${turn.role}`,
      attributes: { 'aria-label': mine ? 'You' : 'Zell', 'data-turn': turn.id },
    });
    this.root.append(element('h2', { class: 'turn-author' }, mine ? 'You' : 'Zell'));
    if (mine) {
      this.root.append(element('div', { class: 'question' }, turn.text));
      if (turn.attachment) this.root.append(attachmentView(turn.attachment));
    } else {
      this.#reply = new ReplyView(actions);
      this.root.append(this.#reply.root, this.#note);
    }
    this.update(turn);
  }

  get turn(): ChatTurn {
    return this.#turn;
  }

  update(turn: ChatTurn): void {
    this.#turn = turn;
    this.root.dataset['state'] = turn.state;
    this.root.setAttribute('aria-busy', String(turn.state === 'streaming'));
    if (!this.#reply) return;
    this.#reply.show(turn.text);
    if (turn.state !== 'streaming') {
      this.#reply.finish();
      this.#showMemories(turn.memories ?? []);
    }
    this.#showNote(turn);
  }

  #showMemories(ids: readonly string[]): void {
    if (ids.length === 0 || this.#memories !== undefined) return;
    this.#memories = usedMemories(ids, this.#actions);
    this.root.append(this.#memories);
  }

  #showNote({ state, error, text }: ChatTurn): void {
    const again = button('Try Again', () => {
      this.#actions.retry();
    });
    if (state === 'failed') {
      this.#note.setAttribute('role', 'alert');
      this.#note.replaceChildren(element('span', {}, error ?? 'The answer failed.'), again);
    } else if (state === 'stopped') this.#note.replaceChildren(element('span', {}, 'Stopped.'), again);
    else if (state === 'streaming' && text === '') this.#note.replaceChildren(element('span', {}, 'Thinking…'));
    else this.#note.replaceChildren();
  }
}

function attachmentView({ label, text }: NonNullable<ChatTurn['attachment']>): HTMLElement {
  return element(
    'details',
    { class: 'attachment' },
    element('summary', {}, label),
    element('pre', { attributes: { tabindex: '0' } }, text),
  );
}
