/** What people tell by the way, inside of a request: "my dog Ruxro just ate …", "Priya Raman, our designer, wants …". */
import { isLastingNoun } from './durable.ts';
import { attribute, named, placeOf, type Said } from './said.ts';

/** A name: capitals, or a word with digits as machines and rooms have. */
const PROPER = String.raw`(?<value>[A-Z][\w'’]+(?:-[\w]+)*(?:\s+[A-Z][\w'’-]+){0,2})`;
const DEVICE = String.raw`(?<value>[a-z]+-\d[\w-]*|\d[\d.:]*\d)`;
const ANY = String.raw`(?<value>[A-Z][\w'’]+(?:-\w+)*(?:\s+[A-Z][\w'’-]+){0,2}|[a-z]+-\d[\w-]*|\d[\d.:]*\d)`;
const NOUN = String.raw`(?<noun>(?:DBA|CTO|CEO|CFO|PM|[a-zà-ɏ][a-zà-ɏ-]+|[A-Z]{2,4}(?=\s[a-z]))(?:\s+[a-zà-ɏ][a-zà-ɏ-]+){0,2}?)`;
const OWNER = String.raw`(?<owner>[mM]y|[oO]ur|[tT]he)`;
/** Behind "our project Falcon": what shows that the name ends there. */
const BEHIND = String.raw`(?=[,.;:!?)]|$|\s+(?:is|was|has|had|will|just|and|or|for|to|with|in|on|at|from|needs?|keeps?|again|because|so|when|who|where|that|wants?|[a-z]+s)\b)`;

interface Aside {
  readonly pattern: RegExp;
  readonly read: (g: Readonly<Record<string, string>>) => Said | undefined;
}

const PEOPLE_AND_PETS =
  /\b(?:manager|boss|supervisor|lead|mentor|colleague|teammate|partner|wife|husband|spouse|son|daughter|brother|sister|mother|father|mom|mum|dad|grandmother|grandfather|uncle|aunt|cousin|friend|roommate|neighbou?r|doctor|dentist|landlord|dog|cat|rabbit|hamster|horse|parrot|designer|developer|dba|admin|administrator|accountant|intern|assistant|cofounder|therapist|lawyer|reviewer|tester)$/i;

const is = (g: Readonly<Record<string, string>>): Said | undefined =>
  isLastingNoun(g['noun'] ?? '') ? attribute(`your ${g['noun'] ?? ''}`, g['value']) : undefined;
const own = (g: Readonly<Record<string, string>>): Said | undefined =>
  /^the$/i.test(g['owner'] ?? '') && !/\d/.test(g['value'] ?? '') ? undefined : is(g);

const ASIDES: readonly Aside[] = [
  // "my dog Ruxro", "my manager Tariq Quinesku"
  {
    pattern: new RegExp(String.raw`\b(?<owner>[mM]y|[oO]ur)\s+${NOUN}\s+${PROPER}`, 'g'),
    read: (g) => (PEOPLE_AND_PETS.test(g['noun'] ?? '') ? is(g) : undefined),
  },
  // "my landlord, Ines Tolander, wants"
  {
    pattern: new RegExp(String.raw`\b(?<owner>[mM]y|[oO]ur)\s+${NOUN},\s+${PROPER}(?=[,.!?]|$)`, 'g'),
    read: (g) => (PEOPLE_AND_PETS.test(g['noun'] ?? '') ? is(g) : undefined),
  },
  // "our meeting room 5.203", "our gpu machine badger-51", "my project Halcyon has"
  { pattern: new RegExp(String.raw`\b(?<owner>[mM]y|[oO]ur)\s+${NOUN}\s+${DEVICE}`, 'g'), read: is },
  { pattern: new RegExp(String.raw`\b(?<owner>[mM]y|[oO]ur)\s+${NOUN}\s+${PROPER}${BEHIND}`, 'g'), read: is },
  // "Priya Raman, our designer", "bison-53, our build server", "Pimetto (my cat)"
  {
    pattern: new RegExp(
      String.raw`(?<![\w-])${ANY}(?:,\s+|\s+\(|,?\s+(?:that is|that's|which is|who is|this is)\s+)(?<owner>my|our)\s+${NOUN}(?=[,.;:!?)]|$|\s+(?:who|that|which|with|on|in|and|for|of)\b)`,
      'g',
    ),
    read: is,
  },
  {
    pattern: new RegExp(
      String.raw`(?<![\w-])${DEVICE},\s+that is the\s+${NOUN}(?=[,.;:!?)]|$|\s+of (?:my|our)\b)`,
      'g',
    ),
    read: is,
  },
  // "I have to ask Priya Raman about the schema, that is our DBA."
  {
    pattern: new RegExp(
      String.raw`\b(?<value>[A-Z][\w']+\s+[A-Z][\w'-]+)\s+[a-z][^,.;:!?]{2,60},\s+(?:that is|that's|who is)\s+(?<owner>my|our)\s+${NOUN}(?=[,.;:!?)]|$)`,
      'g',
    ),
    read: (g) => (PEOPLE_AND_PETS.test(g['noun'] ?? '') ? is(g) : undefined),
  },
  // "the staging server (puffin-83)", "my daughter (we call her Feno)"
  {
    pattern: new RegExp(
      String.raw`\b${OWNER}\s+${NOUN}\s+\((?:(?:(?:we|I|everyone)\s+)?calls?(?:ed)?\s+(?:it|her|him|them)\s+|called\s+|named\s+|it's\s+|its name is\s+)?${ANY}[,)]`,
      'g',
    ),
    read: own,
  },
  // "We got a cat! We called it Tibo.", "a sailing boat, the Velvetfjord"
  {
    pattern: new RegExp(
      String.raw`\b(?:have|has|got|own|adopted|bought|keep)\s+(?:an?|one|our own|my own)\s+${NOUN}[,.!;]*\s+(?:and\s+)?(?:(?:[wW]e|I)\s+call(?:ed)?\s+(?:it|her|him)|(?:its|her|his)\s+name\s+is|the|)\s*${PROPER}${BEHIND}`,
      'g',
    ),
    read: (g) => (isLastingNoun(g['noun'] ?? '') ? named(`your ${g['noun'] ?? ''}`, g['value']) : undefined),
  },
  // "I play the bass in a band called Walnut"
  {
    pattern: new RegExp(
      String.raw`\b(?:I|we)\s+[a-z][a-z' ]{2,40}?\s+(?:in|at|for|with|on)\s+an?\s+${NOUN}\s+(?:called|named)\s+${PROPER}`,
      'g',
    ),
    read: (g) => (isLastingNoun(g['noun'] ?? '') ? named(`your ${g['noun'] ?? ''}`, g['value']) : undefined),
  },
  // "our data centre in Brunminster", "our Linnwick office"
  {
    pattern: new RegExp(
      String.raw`\b(?:[mM]y|[oO]ur)\s+(?<noun>(?:data\s+cent(?:er|re)|office|head\s?quarters|branch|warehouse|factory|shop|store|lab|studio|school|flat|house|apartment|gym|clinic))\s+in\s+${PROPER}`,
      'g',
    ),
    read: (g) => placeOf({ thing: `our ${g['noun'] ?? ''}`, where: 'in', value: g['value'] ?? '' }),
  },
  {
    pattern: new RegExp(
      String.raw`\b(?:[mM]y|[oO]ur)\s+(?<value>[A-Z][a-z]{2,20})\s+(?<noun>office|branch|warehouse|factory|data\s+cent(?:er|re)|headquarters)\b`,
      'g',
    ),
    read: (g) => placeOf({ thing: `our ${g['noun'] ?? ''}`, where: 'in', value: g['value'] ?? '' }),
  },
  // "I report to Priya", "At Contoso, where I work"
  {
    pattern: new RegExp(String.raw`\bI\s+(?:now\s+)?report\s+to\s+${PROPER}`, 'g'),
    read: (g) => attribute('your manager', g['value']),
  },
  {
    pattern: new RegExp(String.raw`\b[aA]t\s+${PROPER},\s+where\s+I\s+work\b`, 'g'),
    read: (g) => attribute('your employer', g['value']),
  },
  {
    pattern: new RegExp(
      String.raw`\bI\s+(?:studied|went\s+to\s+(?:university|college|uni)|was\s+at\s+(?:university|college|uni))\s+(?:in|at)\s+${PROPER}`,
      'g',
    ),
    read: (g) => attribute('your university', g['value']),
  },
  {
    pattern: new RegExp(String.raw`\bI\s+(?:grew\s+up|was\s+raised)\s+in\s+${PROPER}`, 'g'),
    read: (g) => attribute('your home town', g['value']),
  },
  {
    pattern: new RegExp(String.raw`\bI(?:'m| am| work)\s+(?:now\s+)?(?:in|on)\s+(?:the\s+)?team\s+${PROPER}`, 'g'),
    read: (g) => attribute('your team', g['value']),
  },
];

/** Asides of one sentence or of two that belong together. */
export function asidesIn(text: string): Said[] {
  const found: Said[] = [];
  for (const { pattern, read } of ASIDES) {
    for (const match of text.matchAll(pattern)) {
      const said = match.groups === undefined ? undefined : read(match.groups);
      if (said !== undefined && !found.some((f) => f.statement === said.statement)) found.push(said);
    }
  }
  return found;
}
