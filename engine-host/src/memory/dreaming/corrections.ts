/** "No, it is …": which memory a correction is about, and what it says now. */
import { isNamed } from './durable.ts';
import type { Said } from './said.ts';
import { bare, sentence, toUser } from './person.ts';

/** What can be corrected: a card, or what was said earlier in this conversation. */
export type Correctable = Pick<Said, 'form' | 'subject' | 'value' | 'statement'>;

const PRONOUN =
  /^(?:now\s+)?(?:it|that|this|he|she|they|(?:her|his|their|its) (?:new )?name|the (?:right|correct|new) (?:one|answer|name|value))(?:'s|'re|\s+is|\s+are|\s+was|\s+should\s+be|\s+became)\s+(?:now\s+|actually\s+|really\s+|supposed to be\s+|called\s+|named\s+)?(?<value>[^,;]{1,70}?)(?:\s+now)?$/i;
const MEANT =
  /^(?:i\s+(?:meant|mean)|make\s+(?:that|it)|it\s+should\s+(?:be|read|say))\s+(?:to\s+say\s+)?(?<value>[^,;]{1,70})$/i;
/** "…, not Oslo": the value that no longer holds. */
const NOT =
  /,?\s+(?:and\s+)?(?:not|rather than|instead of|no longer)\s+(?<old>[^,;]{1,60}?)(?:\s+(?:any ?more|any longer))?$/i;
/** "We changed it to 9090", behind what it was. */
const SET =
  /^(?:we|i)(?:'ve| have)?\s+(?:just\s+|now\s+)?(?:changed|moved|renamed|switched|set)\s+(?:it|that|this|them)\s+to\s+(?<value>[^,;]{1,70}?)(?:\s+now)?$/i;

const THING = String.raw`(?<thing>(?:my|our|the)\s+[\wÀ-ɏ' ./+#-]{2,60}?)`;
const OLD = String.raw`(?<old>[^,;]{1,60}?)(?:\s+(?:any ?more|any longer|before|until \w+))?`;
const WRONG = String.raw`(?:wrong|outdated|incorrect|not right|not true|obsolete|old|out of date|not correct|a mistake|no longer (?:true|right|correct|valid|the case))`;

/** "Priya isn't my manager any more", "our port is no longer 8080", "we don't use Jenkins any more", "forget what I said about our wiki". */
const OVER = [
  String.raw`(?:about|regarding|concerning|as for)\s+${THING}`,
  String.raw`(?:(?:please\s+)?(?:forget|ignore|disregard|drop)\s+)?(?:what|everything|anything|all)\s+i(?:'ve| have)?\s+(?:said|told you|mentioned|wrote)(?:\s+(?:earlier|before|yesterday))?\s+(?:about|on|regarding)\s+${THING}(?:\s+(?:is|was)(?:\s+now)?\s+${WRONG}(?:\s+now)?)?`,
  String.raw`(?:my|the)\s+(?:earlier|previous|old|last)\s+(?:info|information|statement|note|message|remark|details?)\s+(?:about|on|regarding)\s+${THING}\s+(?:is|was)(?:\s+now)?\s+${WRONG}(?:\s+now)?`,
  String.raw`${THING}\s+(?:has|have|got|gets)\s+(?:now\s+)?a\s+(?:new|different)\s+\w+`,
  String.raw`${THING}\s+(?:(?:has|have)\s+)?(?:just\s+|recently\s+)?changed`,
  String.raw`you(?:'ve)?\s+(?:still\s+)?(?:have|got|had)\s+${THING}\s+(?:wrong|mixed up|down (?:as|wrong).*|incorrectly)`,
  String.raw`(?<old>[^,;]{1,60}?)\s+(?:isn't|is not|is no longer|was)\s+${THING}(?:\s+(?:any ?more|any longer))?`,
  String.raw`${THING}\s+(?:isn't|is not|is no longer|aren't|are no longer|are not|used to be|was|were)\s+(?:called\s+|in\s+|on\s+|at\s+)?${OLD}`,
  String.raw`(?:it|that|this|he|she)\s+(?:used to be|was|is not|isn't|is no longer)\s+(?:called\s+|in\s+|on\s+|at\s+)?${OLD}`,
  String.raw`(?:it|that|this|he|she)'s\s+(?:not|no longer)\s+(?:called\s+|in\s+|on\s+|at\s+)?${OLD}`,
  String.raw`(?:we|i)(?:'ve| have)?\s+(?:just\s+|finally\s+|recently\s+)?(?:quit|left|gave up(?: on)?|dropped|abandoned|ditched|got rid of)\s+(?!.*\bin favou?r\b)${OLD}`,
  String.raw`(?:we|i)\s+(?:no longer|don't|do not|stopped|aren't|are not|are no longer|'m no longer|am no longer|used to)\s+(?:use|using|live in|living in|work at|working at|work for|report to|drive)\s+(?<old>[^,;]{1,60}?)(?:\s+(?:for|as)\s+[^,;]{2,60}?)?(?:\s+(?:any ?more|any longer))?`,
].map((pattern) => new RegExp(`^${pattern}$`, 'i'));

/** A clause without its "…, not OLD". */
export function withoutOld(clause: string): { readonly text: string; readonly old?: string } {
  const match = NOT.exec(clause);
  const old = match?.groups?.['old'];
  // "do not …" and "is not …" are no corrections of a value.
  if (
    match === null ||
    old === undefined ||
    /\b(?:do|does|did|is|are|was|were|should|must|can|will|would|why|if|or|(?:it|that|he|she|they|this)(?:'s|'re))$/i.test(
      clause.slice(0, match.index),
    )
  )
    return { text: clause };
  if (/^(?:(?:i|we)\b.*\b(?:prefer|rather)\b|(?:always|never|please|use|write|give|keep)\b)/i.test(clause))
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

/** The new value in "it's Berlin" and its like; `meant`: the clause by itself says that it puts something right ("I meant …"). */
export function pronounValue(clause: string): { readonly value: string; readonly meant: boolean } | undefined {
  const meant = MEANT.exec(clause)?.groups?.['value'];
  const value = meant ?? PRONOUN.exec(clause)?.groups?.['value'] ?? SET.exec(clause)?.groups?.['value'];
  return value === undefined ? undefined : { value: value.trim(), meant: meant !== undefined };
}

/** `target` with a new value in the place of `old`, its own or a part of it; undefined when its sentence cannot take one. */
export function corrected(target: Correctable, value: string, old = target.value): Said | undefined {
  const whole = toUser(value.replace(/^["'“‘`]+|["'”’`.]+$/g, ''));
  const plain = bare(whole);
  const at = target.statement.toLowerCase().lastIndexOf(old.toLowerCase());
  if (plain === '' || at === -1 || plain.toLowerCase() === old.toLowerCase()) return undefined;
  const head = target.statement.slice(0, at).replace(/\b(?:an?|the)\s+$/i, '');
  const statement = sentence(`${head}${whole}${target.statement.slice(at + old.length)}`);
  return {
    form: target.form,
    subject: target.subject,
    value: old === target.value ? plain : target.value.replace(old, () => plain),
    statement,
    kind: 'correction',
    instead: target.value,
  };
}

/** A name or number within a longer value: "the bass in a band called Walnut" speaks of Walnut. */
export function speaksOf(value: string, name: string): boolean {
  const escaped = bare(name).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return isNamed(name) && new RegExp(String.raw`(?<![\p{L}\p{N}-])${escaped}(?![\p{L}\p{N}-])`, 'u').test(value);
}

export function sameValue(a: string, b: string): boolean {
  const flat = (t: string): string =>
    bare(t)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim();
  return flat(a) !== '' && flat(a) === flat(b);
}
