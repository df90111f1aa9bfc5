/** What can be forgotten of a marked text: the list that a person chooses from, and what the choice means to the host. */
import type { Card, MemoryEvent, MemoryForget } from '#protocol/memory.ts';

export interface ForgetChoice {
  readonly label: string;
  readonly description: string;
  readonly detail?: string;
  /** Chosen beforehand: the text stands there word for word. */
  readonly picked: boolean;
  readonly card?: string;
  readonly event?: number;
}

const SHOWN = 120;

export function forgetChoices(
  text: string,
  found: { readonly cards: readonly Card[]; readonly events: readonly MemoryEvent[] },
): ForgetChoice[] {
  const wanted = plain(text);
  return [
    ...found.cards.map((card) => ({
      label: card.statement,
      description: `memory, ${new Date(card.validFrom).toLocaleDateString()}`,
      picked: plain(card.statement).includes(wanted) || wanted.includes(plain(card.value)),
      card: card.id,
    })),
    ...found.events.map((event) => ({
      label: around(event.prompt, wanted) ?? around(event.response, wanted) ?? oneLine(event.prompt).slice(0, SHOWN),
      description: `${event.type === 'completion.accepted' ? 'completion' : 'conversation'}, ${new Date(event.timestamp).toLocaleDateString()}`,
      picked: true,
      event: event.event_id,
    })),
  ];
}

/** One request for each way of saying it. */
export function forgetRequests(chosen: readonly ForgetChoice[]): MemoryForget[] {
  const cards = chosen.flatMap(({ card }) => card ?? []);
  const ids = chosen.flatMap(({ event }) => event ?? []);
  return [...(cards.length === 0 ? [] : [{ cards }]), ...(ids.length === 0 ? [] : [{ ids }])];
}

/** "2 memories and 1 exchange". */
export function forgottenWords(cards: number, exchanges: number): string {
  const count = (n: number, one: string, many: string): string[] => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`]);
  const parts = [...count(cards, 'memory', 'memories'), ...count(exchanges, 'exchange', 'exchanges')];
  return parts.length === 0 ? 'nothing' : parts.join(' and ');
}

/** Some words before and behind the place. */
function around(text: string, wanted: string): string | undefined {
  const line = oneLine(text);
  const at = plain(line).indexOf(wanted);
  if (at < 0) return undefined;
  const from = Math.max(0, at - 40);
  const to = Math.min(line.length, from + SHOWN);
  return `${from > 0 ? '…' : ''}${line.slice(from, to)}${to < line.length ? '…' : ''}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function plain(text: string): string {
  return oneLine(text).toLowerCase();
}
