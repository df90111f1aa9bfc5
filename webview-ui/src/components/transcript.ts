/** The turns of a chat, and what a screen reader is told of the one that streams. */
import type { ChatSession, ChatTurn } from '#protocol/webview.ts';
import { SentenceBuffer } from '../state/sentences.ts';
import { isAnswering, withDelta } from '../state/turns.ts';
import { element } from './dom.ts';
import { TurnView, type TurnActions } from './turnView.ts';

/** So near to the end the page follows the text, in pixels. */
const FOLLOW_WITHIN = 48;
/** Between two announcements. */
const ANNOUNCE_EVERY_MS = 1500;

export class Transcript {
  readonly root: HTMLElement;
  readonly #announcer = element('div', { id: 'announcer', class: 'unseen', attributes: { 'aria-live': 'polite' } });
  readonly #list = element('div', { id: 'turns' });
  readonly #empty = element(
    'p',
    { id: 'empty' },
    'Ask something. The answer is made on this machine; nothing leaves it.',
  );
  readonly #views = new Map<string, TurnView>();
  readonly #actions: TurnActions;
  #sentences = new SentenceBuffer();
  #unsaid = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(actions: TurnActions) {
    this.#actions = actions;
    this.root = element(
      'div',
      { id: 'transcript', attributes: { role: 'log', 'aria-live': 'off', 'aria-label': 'Chat', tabindex: '0' } },
      this.#empty,
      this.#list,
      this.#announcer,
    );
  }

  get answering(): boolean {
    return isAnswering([...this.#views.values()].map((view) => view.turn));
  }

  open(session: ChatSession): void {
    this.#views.clear();
    this.#list.replaceChildren();
    for (const turn of session.turns) this.#add(turn);
    this.#empty.hidden = session.turns.length > 0;
    this.root.scrollTop = this.root.scrollHeight;
  }

  /** Adds the turn or shows its new state. */
  put(turn: ChatTurn): void {
    const follow = turn.role === 'user' || this.#atEnd();
    const view = this.#views.get(turn.id);
    if (view) view.update(turn);
    else this.#add(turn);
    this.#empty.hidden = true;
    if (turn.role === 'assistant' && turn.state !== 'streaming') this.#say(this.#sentences.flush());
    if (follow) this.#toEnd();
  }

  /** False when an earlier piece was missed: then the chat must be loaded again. */
  append(turnId: string, at: number, text: string): boolean {
    const view = this.#views.get(turnId);
    const turn = view && withDelta(view.turn, at, text);
    if (!turn) return false;
    const follow = this.#atEnd();
    view.update(turn);
    this.#say(this.#sentences.push(text));
    if (follow) this.#toEnd();
    return true;
  }

  #add(turn: ChatTurn): void {
    const view = new TurnView(turn, this.#actions);
    this.#views.set(turn.id, view);
    this.#list.append(view.root);
    if (turn.state === 'streaming') this.#sentences = new SentenceBuffer();
  }

  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.root;
    return scrollHeight - scrollTop - clientHeight < FOLLOW_WITHIN;
  }

  #toEnd(): void {
    // After the frame in which the reply is drawn.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.root.scrollTop = this.root.scrollHeight;
      }),
    );
  }

  #say(text: string): void {
    this.#unsaid = `${this.#unsaid} ${text}`.trim();
    if (this.#unsaid === '') return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#announcer.textContent = this.#unsaid;
      this.#unsaid = '';
    }, ANNOUNCE_EVERY_MS);
  }
}
