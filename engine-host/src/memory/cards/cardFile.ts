/** `memory/cards.jsonl`: the cards for readers that do not hold the log. Format: docs/formats/cards.md. */
import { readFile } from 'node:fs/promises';
import { crc32c } from '../../store/crc32c.ts';
import { writeDurably } from '../../store/durable.ts';
import type { HeldCard } from './cardProjection.ts';
import { asCard, isId } from './readCard.ts';

/** More than a lifetime of cards; a larger file is not ours. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The same cards give the same bytes. */
export function encodeCards(cards: readonly HeldCard[], lastEventId: number): string {
  const lines = cards.map((card) => `${JSON.stringify(card)}\n`).join('');
  const crc = crc32c(Buffer.from(lines)).toString(16).padStart(8, '0');
  return `${JSON.stringify({ v: 1, last_event_id: lastEventId, cards: cards.length, crc })}\n${lines}`;
}

/** Writes the file unless it already holds just this. @throws {ZellError} disk_full, io */
export async function writeCards(file: string, cards: readonly HeldCard[], lastEventId: number): Promise<void> {
  const text = encodeCards(cards, lastEventId);
  if ((await readFile(file, 'utf8').catch(() => undefined)) !== text) await writeDurably(file, text);
}

export interface CardFile {
  readonly lastEventId: number;
  readonly cards: readonly HeldCard[];
}

/** Everything in the file, or undefined when it is missing, torn, changed, or of another version. */
export async function readCards(file: string): Promise<CardFile | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  return bytes === undefined || bytes.length > MAX_BYTES ? undefined : decodeCards(bytes);
}

export function decodeCards(bytes: Uint8Array): CardFile | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  const end = text.indexOf('\n');
  if (end === -1) return undefined;
  const header = parsed(text.slice(0, end)) as Partial<Record<'v' | 'last_event_id' | 'cards' | 'crc', unknown>> | null;
  if (typeof header !== 'object' || header === null || header.v !== 1) return undefined;
  const { last_event_id: lastEventId, cards: count, crc } = header;
  if (!Number.isSafeInteger(lastEventId)) return undefined;
  const body = text.slice(end + 1);
  if (crc !== crc32c(Buffer.from(body)).toString(16).padStart(8, '0')) return undefined;
  const cards: HeldCard[] = [];
  for (const line of body.split('\n').slice(0, -1)) {
    const value = parsed(line);
    const card = asCard(value);
    if (card === undefined) return undefined;
    const by = (value as { supersededBy?: unknown }).supersededBy;
    cards.push(isId(by) ? { ...card, supersededBy: by } : card);
  }
  return cards.length === count ? { lastEventId: lastEventId as number, cards } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
