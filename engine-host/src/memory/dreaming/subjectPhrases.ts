/** What users call the thing that a card is about: "my boss" is their manager, "the town where our office is" their office's place. */
import type { Card } from '#protocol/memory.ts';
import { fromUser } from './person.ts';

/** Other words for the last noun of a subject; `{}`: a whole phrase in its place. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  manager: ['boss', 'supervisor', '{the person who leads me}'],
  boss: ['manager', 'supervisor'],
  mentor: ['adviser at work', 'coach at work'],
  employer: ['company', '{the company I work for}', '{the firm that employs me}'],
  company: ['employer', '{the firm I work for}'],
  designer: ['design colleague', '{the person who does our design}'],
  landlord: ['{the owner of my flat}', '{the person I rent from}'],
  reviewer: ['{the person who reviews my code}'],
  'code reviewer': ['{the person who reviews my code}'],
  administrator: ['admin', '{the person who runs our databases}'],
  'database administrator': ['DBA', '{the person who runs our databases}'],
  wife: ['spouse'],
  husband: ['spouse'],
  partner: ['other half'],
  sister: ['sibling'],
  brother: ['sibling'],
  daughter: ['child', 'girl'],
  son: ['child', 'boy'],
  dog: ['pet dog'],
  cat: ['pet cat'],
  team: ['group at work', '{the team I am in}'],
  project: ['{the project I am working on}', '{what I work on}'],
  'side project': ['hobby project', '{the project of my spare time}'],
  'home town': ['hometown', '{where I grew up}', '{the town I come from}'],
  hometown: ['home town', '{where I grew up}'],
  holidays: ['vacation'],
  university: ['college', '{the university I went to}'],
  band: ['music group', '{the band I am in}'],
  car: ['vehicle'],
  boat: ['ship'],
  laptop: ['notebook'],
  'build server': ['build machine', 'CI machine'],
  'staging server': ['staging machine', 'test server'],
  'backup host': ['backup machine', '{the machine for our backups}'],
  'package registry': ['registry machine'],
  'data centre': ['data center', '{where our production servers are}'],
  'main database': ['production database', 'primary database'],
  standup: ['daily standup', 'morning meeting'],
  retrospective: ['retro'],
  'deployment window': ['time for deployments'],
  café: ['coffee shop'],
};

/** Noun phrases in the user's words, the plainest first. Each of them can be asked for with "What is …?". */
export function subjectPhrases(card: Card): string[] {
  const about = fromUser(card.subject);
  const plain = [about, ...renamed(about)].flatMap((phrase) => [phrase, turned(phrase)]);
  const things = [...new Set([...plain, ...plain.map(ours)])];
  if (card.form === 'place' && card.subject === 'you')
    return ['the town where I live', 'my place of residence', 'the name of the town I live in', 'the city I live in'];
  if (card.form === 'place')
    return things.flatMap((thing) => [
      `the town where ${thing} is`,
      `the location of ${thing}`,
      `the name of the town of ${thing}`,
    ]);
  const named = /^(?:the (?:name|nickname|codename) of|.*\b(?:name|port|number|time|day)\b)/i.test(about);
  if (named || !isName(card.value)) return things;
  const what = /\d/.test(card.value) ? 'hostname' : 'name';
  const names = things.flatMap((thing) => [`the ${what} of ${thing}`, `${thing}'s ${what}`]);
  return things.flatMap((thing, i) => [thing, names[2 * i] ?? thing, names[2 * i + 1] ?? thing]);
}

function renamed(about: string): string[] {
  const owned = /^(my|our)\s+(.+)$/i.exec(about);
  const [, owner = '', noun = ''] = owned ?? [];
  const known = SAME[noun.toLowerCase()] ?? [];
  return known.map((word) => (word.startsWith('{') ? word.slice(1, -1) : `${owner} ${word}`));
}

/** "the port of our dev server" and "our dev server's port" are one. */
function turned(phrase: string): string {
  const of = /^the (\w+(?: \w+)?) of (.+)$/i.exec(phrase);
  if (of !== null) return `${of[2] ?? ''}'s ${of[1] ?? ''}`;
  const has = /^(.+)'s (\w+(?: \w+)?)$/i.exec(phrase);
  return has === null ? phrase : `the ${has[2] ?? ''} of ${has[1] ?? ''}`;
}

/** People say "our designer" of whom they called "my designer" before, and the other way round. */
function ours(phrase: string): string {
  return phrase.replace(/\b(?:my|our)\b/i, (word) => (/^m/i.test(word) ? 'our' : 'my'));
}

function isName(value: string): boolean {
  return /^[\p{Lu}]/u.test(value) || /^[a-z]+-\d+$/.test(value);
}
