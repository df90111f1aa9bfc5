/** Training items from completions that the user took: what stood around the cursor, and what stayed there in the end. */
import { createHash } from 'node:crypto';
import type { EventRecord } from '#protocol/memory.ts';
import type { CompletionItem } from './trainingItem.ts';

/** Less than what was asked to be remembered, more than what was said in passing. */
const WEIGHT = 0.7;
/** Words of a run that two completions may share. */
const GRAM = 4;
/** So much of one in another is the same again. */
const SAME = 0.7;
/** Characters before the cursor that belong to what is compared. */
const CONTEXT = 60;

export interface CompletionLimits {
  readonly ofALanguage?: number;
  readonly ofAFile?: number;
}

/** Newest first; what is nearly the same once, at most so many of a language and of a file. */
export function completionItems(
  events: readonly EventRecord[],
  { ofALanguage = 50, ofAFile = 10 }: CompletionLimits = {},
): CompletionItem[] {
  const seen = new Set<string>();
  const counts = new Map<string, number>();
  const items: CompletionItem[] = [];
  for (const event of [...events].reverse()) {
    if (event.type !== 'completion.accepted' || event.erased === true || event.response.trim() === '') continue;
    // What was cut out by the search for secrets is nothing to learn.
    if (event.redacted !== undefined) continue;
    const language = text(event.data?.['language']);
    const file = text(event.data?.['file']);
    const groups = [
      { key: `language ${language}`, most: ofALanguage },
      ...(file === '' ? [] : [{ key: `file ${file}`, most: ofAFile }]),
    ];
    if (groups.some(({ key, most }) => (counts.get(key) ?? 0) >= most)) continue;
    const grams = gramsOf(`${event.prompt.slice(-CONTEXT)}${event.response}`);
    if (grams.filter((gram) => seen.has(gram)).length >= SAME * grams.length) continue;
    for (const gram of grams) seen.add(gram);
    for (const { key } of groups) counts.set(key, (counts.get(key) ?? 0) + 1);
    items.push({
      type: 'completion',
      id: idOf(event),
      cards: [],
      events: [event.event_id],
      weight: WEIGHT,
      replay: false,
      prefix: event.prompt,
      suffix: text(event.data?.['suffix']),
      completion: event.response,
      language,
    });
  }
  return items;
}

/** Runs of words and signs; a text shorter than one is one. */
function gramsOf(source: string): string[] {
  const words = source.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  if (words.length <= GRAM) return [words.join(' ')];
  return words.slice(GRAM - 1).map((_, i) => words.slice(i, i + GRAM).join(' '));
}

function idOf({ prompt, response }: EventRecord): string {
  const flat = (part: string): string => part.replace(/\s+/g, ' ');
  const source = `${flat(prompt.slice(-80))}\n${flat(response)}`;
  return createHash('sha256').update(source).digest('hex').slice(0, 16);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
