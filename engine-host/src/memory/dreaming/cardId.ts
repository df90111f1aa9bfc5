/** The identity of a card, and of what it is about. */
import { createHash } from 'node:crypto';
import type { Card } from '#protocol/memory.ts';

type About = Pick<Card, 'form' | 'subject' | 'scope'> & { readonly workspace?: string };

/** The same thing said twice has the same id, whoever said it where. */
export function cardId(card: About & Pick<Card, 'statement'>): string {
  const text = [card.form, subjectKey(card.subject), flat(card.statement), card.scope, card.workspace ?? ''].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Cards never change, and each is compared with many. */
const topics = new WeakMap<About, string>();

/** Two cards with one of these cannot both be valid. */
export function topicKey(card: About): string {
  const known = topics.get(card);
  if (known !== undefined) return known;
  const key = topicOf(card);
  topics.set(card, key);
  return key;
}

function topicOf(card: About): string {
  // "our cluster is Vega" and "our cluster is called Vega" are about one thing.
  const form = card.form === 'name' || (card.form === 'place' && card.subject !== 'you') ? 'attribute' : card.form;
  return [form, subjectKey(card.subject), card.workspace ?? ''].join('\n');
}

export function subjectKey(subject: string): string {
  // "your laptop's hostname" and "the hostname of your laptop" are one.
  const words = flat(subject)
    .replace(/['’]s\b/g, ' ')
    .replace(/\b(?:the|an?|your|our|my|new|current|actual|all|of|that|is)\b/g, ' ')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  // "the name of your dog", "the town where your office is": what is left says enough.
  const telling = words.filter(
    (word) => !/^(?:name|nickname|codename|number|place|town|city|location|where|lies|time)$/.test(word),
  );
  return [...new Set(telling.length > 0 ? telling : words)].sort().join(' ');
}

function flat(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
