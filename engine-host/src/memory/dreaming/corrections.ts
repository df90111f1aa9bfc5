/** "No, it is …": which memory a correction is about, and what it says now. */
import type { Said } from './said.ts';
import { bare, sentence, toUser } from './person.ts';

/** What can be corrected: a card, or what was said earlier in this conversation. */
export type Correctable = Pick<Said, 'form' | 'subject' | 'value' | 'statement'>;

const PRONOUN =
  /^(?:now\s+)?(?:it|that|this|he|she|they|the (?:right|correct|new) (?:one|answer|name|value))(?:'s|'re|\s+is|\s+are|\s+was|\s+should\s+be|\s+became)\s+(?:now\s+|actually\s+|really\s+|supposed to be\s+|called\s+|named\s+)?(?<value>[^,;]{1,70}?)(?:\s+now)?$/i;
const MEANT =
  /^(?:i\s+(?:meant|mean)|make\s+(?:that|it)|it\s+should\s+(?:be|read|say))\s+(?:to\s+say\s+)?(?<value>[^,;]{1,70})$/i;
/** "…, not Oslo": the value that no longer holds. */
const NOT =
  /,?\s+(?:and\s+)?(?:not|rather than|instead of|no longer)\s+(?<old>[^,;]{1,60}?)(?:\s+(?:any ?more|any longer))?$/i;
/** "Priya isn't my manager any more", "our port is no longer 8080", "we don't use Jenkins any more". */
const OVER = [
  /^(?<old>[^,;]{1,60}?)\s+(?:isn't|is not|is no longer|was)\s+(?<thing>(?:my|our|the)\s+[\w' -]{2,50}?)(?:\s+(?:any ?more|any longer))?$/i,
  /^(?<thing>(?:my|our|the)\s+[\w' -]{2,50}?)\s+(?:isn't|is not|is no longer|aren't|are no longer|are not)\s+(?:called\s+|in\s+|on\s+|at\s+)?(?<old>[^,;]{1,60}?)(?:\s+(?:any ?more|any longer))?$/i,
  /^about\s+(?<thing>(?:my|our|the)\s+[\w' -]{2,60}?)$/i,
  /^(?<thing>(?:my|our|the)\s+[\w' -]{2,60}?)\s+(?:has|have)\s+(?:just\s+)?changed$/i,
  /^(?:it|that|this|he|she)\s+(?:used to be|was)\s+(?<old>[^,;]{1,60}?)(?:\s+(?:before|until \w+))?$/i,
  /^(?:we|i)\s+(?:no longer|don't|do not|stopped|aren't|are not|are no longer)\s+(?:use|using|live in|living in|work at|working at|work for)\s+(?<old>[^,;]{1,60}?)(?:\s+(?:any ?more|any longer))?$/i,
];

/** A clause without its "…, not OLD". */
export function withoutOld(clause: string): { readonly text: string; readonly old?: string } {
  const match = NOT.exec(clause);
  const old = match?.groups?.['old'];
  // "do not …" and "is not …" are no corrections of a value.
  if (
    match === null ||
    old === undefined ||
    /\b(?:do|does|did|is|are|was|were|should|must|can|will|would|why|if|or)$/i.test(clause.slice(0, match.index))
  )
    return { text: clause };
  if (
    /^(?:i|we|always|never|please|use|write)\b.*\b(?:prefer|rather|instead)\b|^(?:i|we)\s+prefer|^(?:always|never|please)\b/i.test(
      clause,
    )
  )
    return { text: clause };
  return { text: clause.slice(0, match.index), old };
}

/** What a clause says is over, to be put right by the next one. */
export function whatIsOver(clause: string): { readonly old?: string; readonly thing?: string } | undefined {
  for (const pattern of OVER) {
    const groups = pattern.exec(clause)?.groups;
    if (groups === undefined) continue;
    const { old, thing } = groups;
    return { ...(old === undefined ? {} : { old }), ...(thing === undefined ? {} : { thing: toUser(thing) }) };
  }
  return undefined;
}

/** The new value in "it's Berlin" and its like. */
export function pronounValue(clause: string): string | undefined {
  const groups = (PRONOUN.exec(clause) ?? MEANT.exec(clause))?.groups;
  return groups?.['value']?.trim();
}

/** `target` with a new value in it; undefined when its sentence cannot take one. */
export function corrected(target: Correctable, value: string): Said | undefined {
  const plain = toUser(bare(value.replace(/^["'“‘`]+|["'”’`.]+$/g, '')));
  const at = target.statement.toLowerCase().lastIndexOf(target.value.toLowerCase());
  if (plain === '' || at === -1 || plain.toLowerCase() === target.value.toLowerCase()) return undefined;
  const head = target.statement.slice(0, at).replace(/\b(?:an?|the)\s+$/i, '');
  const statement = sentence(`${head}${plain}${target.statement.slice(at + target.value.length)}`);
  return {
    form: target.form,
    subject: target.subject,
    value: plain,
    statement,
    kind: 'correction',
    instead: target.value,
  };
}

export function sameValue(a: string, b: string): boolean {
  const flat = (t: string): string =>
    bare(t)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim();
  return flat(a) !== '' && flat(a) === flat(b);
}
