/** Dreaming: closed conversations become cards. By rules always; a large enough model may add what the rules do not see. */
import type { Card, EventRecord } from '#protocol/memory.ts';
import type { Redactor } from '../redactor.ts';
import { extractCards, type UserTurn } from './extractCards.ts';

/** Finds what rules do not; see `modelDreamer.ts`. */
export interface ModelDreamer {
  /** Mentions with their sources, already checked against them. */
  dream(turns: readonly UserTurn[], known: readonly Card[], signal: AbortSignal): Promise<readonly Card[]>;
}

export interface DreamtConversation {
  readonly cards: readonly Card[];
  readonly by: 'template' | 'model';
}

/**
 * Mentions from one conversation. A card in which a secret is found is left out; when the search fails, all are. A model that fails
 * leaves what the rules found. @throws {ZellError} what the redactor throws, and the model when `signal` is aborted; then nothing of
 * this conversation is kept
 */
export async function dreamConversation(
  events: readonly EventRecord[],
  known: readonly Card[],
  parts: { readonly redactor: Redactor; readonly model?: ModelDreamer },
  signal: AbortSignal,
): Promise<DreamtConversation> {
  const turns = events.flatMap((event) => turnOf(event) ?? []);
  const cards = extractCards(turns, known);
  const proposed = turns.length === 0 ? undefined : await ask(parts.model, turns, [...known, ...cards], signal);
  const seen = new Set(cards.map((card) => card.id));
  for (const card of proposed ?? []) if (!seen.has(card.id)) cards.push(card);
  return { cards: await withoutSecrets(cards, parts.redactor), by: proposed === undefined ? 'template' : 'model' };
}

/** Undefined: there is no model, or it failed. */
async function ask(
  model: ModelDreamer | undefined,
  turns: readonly UserTurn[],
  known: readonly Card[],
  signal: AbortSignal,
): Promise<readonly Card[] | undefined> {
  try {
    return await model?.dream(turns, known, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** Only what was said to a chat, and only by the user: `prompt` holds no system text and no tool results. */
export function turnOf(event: EventRecord): UserTurn | undefined {
  if (event.type !== 'chat.turn' || event.erased === true || event.prompt.trim() === '') return undefined;
  const { event_id, timestamp, prompt, conversation, origin } = event;
  return {
    eventId: event_id,
    timestamp,
    prompt,
    ...(conversation === undefined ? {} : { conversation }),
    ...(origin?.workspace === undefined ? {} : { workspace: origin.workspace }),
  };
}

async function withoutSecrets(cards: readonly Card[], redactor: Redactor): Promise<Card[]> {
  if (cards.length === 0) return [];
  const texts = cards.map((card) => `${card.subject}\n${card.statement}\n${card.value}`);
  const found = await redactor.redact(texts);
  return cards.filter((_, i) => found[i] !== undefined && Object.keys(found[i].counts).length === 0);
}
