/** Which memory somebody means who speaks of a thing in other words than before. */
import type { Card } from '#protocol/memory.ts';
import { subjectKey } from './cardId.ts';
import { isNamed } from './durable.ts';
import { fromUser } from './person.ts';
import { subjectPhrases } from './subjectPhrases.ts';

/**
 * The newest card about `thing`; else the only one whose words contain those of `thing` or lie within them, with the same last noun
 * ("my boat" after "a small sailing boat"). Of several such none: which one is meant cannot be known. `cards`: oldest first.
 */
export function aboutThing(thing: string, cards: readonly Card[]): Card | undefined {
  const key = subjectKey(thing);
  if (key === '') return undefined;
  const newestFirst = [...cards].reverse();
  const same = newestFirst.find((card) => subjectKey(card.subject) === key);
  if (same !== undefined) return same;
  const alike = newestFirst.filter((card) => isCalled(thing, card));
  const near = alike.length > 0 ? alike : newestFirst.filter((card) => isNear(thing, card));
  return new Set(near.map((card) => subjectKey(card.subject))).size === 1 ? near[0] : undefined;
}

/** Whether two memories with one value may be about one thing. */
export function isSameThing(one: Card, other: Card): boolean {
  return sharesWord(one.subject, other) || isCalled(one.subject, other) || isCalled(other.subject, one);
}

/** Whether a clause about `thing` may be about this card. */
export function isMeant(thing: string, card: Card): boolean {
  return sharesWord(thing, card) || isCalled(thing, card);
}

/** They have a word of weight in common. */
function sharesWord(thing: string, card: Pick<Card, 'subject' | 'statement'>): boolean {
  const said = new Set(stems(thing));
  return [...stems(card.subject), ...stems(card.statement)].some((word) => said.has(word));
}

/** Whether `value` can stand where `old` stood: a number for a number, a name for a name. */
export function isOfKind(value: string, old: string): boolean {
  if (value.split(/\s+/).length > 6) return false;
  if (/^\W*\d/.test(old)) return /^\W*\d/.test(value);
  if (/\d/.test(old)) return /\d/.test(value) || /^[A-Z]/.test(value);
  if (/^[A-Z]/.test(old)) return /^(?:an?\s+|the\s+)?[A-Z0-9]/.test(value);
  return isNamed(old)
    ? isNamed(value)
    : !/^(?:too|very|not|so|fine|ok|okay|wrong|right|good|bad|for|in|as|more|less)\b/i.test(value);
}

/** `thing` in whoever's words. */
function isCalled(thing: string, card: Card): boolean {
  return namesOf(card).has(subjectKey(fromUser(thing)));
}

/** Cards never change, and each is compared with many. */
const names = new WeakMap<Card, ReadonlySet<string>>();

function namesOf(card: Card): ReadonlySet<string> {
  const known = names.get(card) ?? new Set(subjectPhrases(card).map(subjectKey));
  names.set(card, known);
  return known;
}

function isNear(thing: string, { subject }: Card): boolean {
  const [said, known] = [subjectKey(thing).split(' '), subjectKey(subject).split(' ')];
  if (lastNoun(thing) !== lastNoun(subject)) return false;
  return said.every((word) => known.includes(word)) || known.every((word) => said.includes(word));
}

/** "the name of my small boat": boat. */
function lastNoun(phrase: string): string {
  const core = phrase.replace(/^the\s+(?:name|number|place|town|city|location|nickname)\s+of\s+/i, '');
  return (
    /([\p{L}\p{N}-]+)(?:'s)?\s*$/u.exec(core.split(/\s+(?:of|for|in|on|at|where|that|which|who)\s+/i)[0] ?? '')?.[1] ??
    ''
  ).toLowerCase();
}

function stems(phrase: string): string[] {
  return subjectKey(phrase)
    .split(' ')
    .map((word) => word.replace(/(?:ing|ed|es|s|e)$/, ''))
    .filter((word) => word.length > 2 && !/^(?:you|use|will|now|and|for|has|not)$/.test(word));
}
