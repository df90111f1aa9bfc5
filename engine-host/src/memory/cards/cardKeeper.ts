/** Makes cards: from conversations that are over, from the user's own edits, from exports. */
import { ZellError } from '#protocol/errors.ts';
import type { Card } from '#protocol/memory.ts';
import { cardId } from '../dreaming/cardId.ts';
import { dreamConversation, type ModelDreamer } from '../dreaming/dreamer.ts';
import type { Journal } from '../journal.ts';
import type { Redactor } from '../redactor.ts';
import { asCard } from './readCard.ts';

const IMPORTED_TOGETHER = 64;

export class CardKeeper {
  readonly #journal: Journal;
  readonly #redactor: Redactor;

  constructor(journal: Journal, redactor: Redactor) {
    this.#journal = journal;
    this.#redactor = redactor;
  }

  /**
   * Makes cards from closed conversations, by rules and, when it is given, by a model. Each conversation is done once, and whole or not
   * at all; a crash in between makes no card twice. What is erased meanwhile makes no card. @returns how many cards were said.
   * @throws {ZellError} cancelled
   */
  async dream(signal: AbortSignal, model?: ModelDreamer): Promise<{ conversations: number; cards: number }> {
    const { projection, cards: held, log } = this.#journal;
    const done = { conversations: 0, cards: 0 };
    for (const { id, model: hash, events } of projection.closed(this.#journal.now())) {
      if (signal.aborted) throw new ZellError('cancelled', 'Dreaming was stopped.');
      const ids = events.filter((event) => !projection.isDreamed(event));
      if (ids.length === 0) continue;
      const parts = { redactor: this.#redactor, ...(model === undefined ? {} : { model }) };
      // A model takes its time, and an erasure does not wait for it.
      const { cards, by } = await dreamConversation(await log.read(ids), held.valid(), parts, signal);
      await this.#journal.alone(async () => {
        const here = projection.exchanges();
        for (const card of cards) {
          const known = held.get(card.id);
          if (!card.sources.every((source) => here.has(source))) continue;
          if (card.sources.every((source) => known?.sources.includes(source) === true)) continue;
          await this.#journal.makeCard(card, hash);
          done.cards++;
        }
        await this.#journal.note(
          hash,
          'conversation.dreamed',
          { v: 1, by, ids: ids.filter((event) => here.has(event)) },
          id,
        );
        done.conversations++;
      });
    }
    if (done.cards > 0) await this.#journal.writeCards();
    return done;
  }

  /** The user's own wording of a card; the old one is history. @throws {ZellError} not_found, invalid_request */
  async edit(id: string, edit: { readonly statement: string; readonly value: string }): Promise<Card> {
    return this.#journal.alone(async () => {
      const old = this.#journal.cards.get(id);
      if (old === undefined) throw new ZellError('not_found', `There is no card ${id}.`);
      const { supersededBy, supersedes, ...rest } = old;
      const statement = edit.statement.trim();
      const value = edit.value.trim();
      if (await this.#holdsSecret(`${statement}\n${value}`))
        throw new ZellError('invalid_request', 'There is a secret in this text; it is not kept.');
      const about = { ...rest, statement, value };
      const card: Card = { ...about, id: cardId(about), validFrom: this.#journal.now(), supersedes: id, by: 'user' };
      if (asCard(card) === undefined || !statement.toLowerCase().includes(value.toLowerCase()) || card.id === id)
        throw new ZellError(
          'invalid_request',
          'A card is one changed line of at most 400 characters that contains its value.',
        );
      await this.#journal.makeCard(card, this.#journal.newestModel());
      await this.#journal.writeCards();
      return card;
    });
  }

  /** Adds cards of another Zell, from an export; those that are no cards are left out. @returns how many are new */
  async import(values: readonly unknown[]): Promise<number> {
    return this.#journal.alone(async () => {
      const fresh = new Map<string, Card>();
      for (const value of values) {
        const card = asCard(value);
        if (card === undefined) continue;
        // Event ids of another log mean nothing here.
        const { supersedes, conversation, ...rest } = card;
        const id = cardId(rest);
        if (this.#journal.cards.get(id) === undefined && !fresh.has(id))
          fresh.set(id, { ...rest, id, sources: [], by: 'user' });
      }
      const model = this.#journal.newestModel();
      let added = 0;
      // Several share one search and one write to the disk.
      for (const cards of groups([...fresh.values()], IMPORTED_TOGETHER)) {
        const texts = cards.map((card) => `${card.subject}\n${card.statement}\n${card.value}`);
        const secret = await this.#holdSecrets(texts);
        const clean = cards.filter((_, i) => secret[i] === false);
        await Promise.all(clean.map((card) => this.#journal.makeCard(card, model)));
        added += clean.length;
      }
      await this.#journal.writeCards();
      return added;
    });
  }

  async #holdsSecret(text: string): Promise<boolean> {
    return (await this.#holdSecrets([text]))[0] !== false;
  }

  /** Of each text; true also when the search gives no answer. */
  async #holdSecrets(texts: readonly string[]): Promise<boolean[]> {
    const redacted = await this.#redactor.redact(texts);
    return texts.map((_, i) => Object.keys(redacted[i]?.counts ?? { unknown: 1 }).length > 0);
  }
}

function groups<T>(values: readonly T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(values.length / size) }, (_, i) => i * size);
  return starts.map((start) => values.slice(start, start + size));
}
