/** The sentences in which people say that something is not as it was: "not X but Y", "we renamed X to Y", "Y took over from X". */

export interface Change {
  readonly value: string;
  /** What is no longer true. Without `thing` only a memory with this value can be meant. */
  readonly old?: string;
  /** What it is about, in the user's words ("our port"). */
  readonly thing?: string;
}

/** The letters of a noun phrase, accents and signs of names among them. */
const LETTERS = String.raw`[\wÀ-ɏ' ./+#-]`;
const THING = String.raw`(?<thing>(?:my|our|the)\s+${LETTERS}{2,70}?)`;
const OLD = String.raw`(?<old>[^,;]{1,60}?)`;
const VALUE = String.raw`(?<value>[^,;]{1,60}?)`;
const WHO = String.raw`(?:we|i|the team|my team|our team)`;
/** Done, not planned. */
const DONE = String.raw`(?:(?:'ve|\s+have|\s+just|\s+recently|\s+finally|\s+already|\s+now|\s+had to)*\s+)`;
const BY_NOW = String.raw`(?:\s+(?:now|already|yesterday|recently|(?:last|this)\s+\w+|in\s+(?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|fall|winter|\d{4})|a (?:\w+ )?(?:day|week|month|year)s? ago))?`;
const NAMED = String.raw`(?:called|named|in|on|at|with|by)\s+`;
/** Verbs that state how things are for the one who speaks. */
const STATES = String.raw`(?:use|using|run|rely on|report to|work (?:for|at|with|on|in)|live in|am based in|are based in|drive|ride|speak|write in|deploy (?:to|on|with)|play)`;

/** Anybody may rename what belongs to all. */
const ANYONE = String.raw`(?:${WHO}|they|the company|[A-Za-z][\w-]+)`;
const TOOK_OVER = String.raw`(?:is|took over|does|does it|has the job|replaced (?:him|her|them|it))(?:\s+now)?`;

const CHANGES: readonly RegExp[] = [
  `^${THING}\\s+(?:is|are|was|were)(?:\\s+not|n't|\\s+no longer)\\s+(?:${NAMED})?${OLD}(?:\\s+any ?more)?,?\\s+but\\s+(?:rather\\s+|now\\s+)?(?:${NAMED})?${VALUE}`,
  `^(?:it(?:'s| is)\\s+)?not\\s+${OLD}(?:,?\\s+but|,)\\s+(?:rather\\s+)?${VALUE}(?:\\s+(?:is|who is|that is)\\s+${THING})?`,
  `^${THING}\\s+(?:is|are|was|were)(?:\\s+not|n't|\\s+no longer)\\s+${OLD}(?:\\s+any ?more)?,?\\s+(?:but\\s+)?(?!(?:it|he|she|they|i|we)\\b)${VALUE}\\s+${TOOK_OVER}`,
  `^(?!(?:it|this|that|he|she|they|i|we)\\b)${OLD}\\s+(?:is no longer|isn't|is not)\\s+${THING}(?:\\s+any ?more)?,?\\s+(?:but\\s+)?(?!(?:it|he|she|they|i|we)\\b)${VALUE}\\s+${TOOK_OVER}`,
  `^${THING},?\\s+(?:formerly|previously|until recently|once)\\s+(?:called\\s+|named\\s+|known as\\s+)?${OLD},?\\s+is\\s+(?:now\\s+)?(?:called\\s+|named\\s+)?${VALUE}${BY_NOW}`,
  `^${WHO}${DONE}(?:swap(?:ped)?|exchanged?|trade(?:d)?|replaced?)(?:\\s+out)?\\s+${OLD}\\s+(?:for|with|by)\\s+${VALUE}${BY_NOW}`,
  `^${WHO}${DONE}(?:dropped|ditched|abandoned|retired|left)\\s+${OLD}\\s+in favou?r of\\s+${VALUE}${BY_NOW}`,
  `^${WHO}${DONE}(?:quit|left|gave up(?: on)?|given up(?: on)?|dropped|abandoned|ditched|got rid of|stopped using)\\s+${OLD},?\\s+and\\s+(?:now\\s+)?(?:(?:we|i)\\s+)?(?:now\\s+)?${STATES}\\s+${VALUE}(?:\\s+(?:for|as)\\s+[^,]{2,60}?)?${BY_NOW}`,
  `^${ANYONE}${DONE}?(?:renamed|rebranded|retitled)\\s+(?:${THING}\\s+)?(?:from\\s+)?(?:(?!my\\b|our\\b|the\\b)(?<old>(?:(?!\\sfrom\\s)[^,;]){1,60}?)\\s+)?(?:to|as|into)\\s+${VALUE}${BY_NOW}`,
  `^(?!(?:it|this|that|he|she|they|i|we)\\b)${OLD}(?:'s|\\s+is|\\s+was|\\s+are|\\s+has been|\\s+got|\\s+will be)\\s+(?:now\\s+|just\\s+|finally\\s+)?(?:called|renamed (?:to|as)|replaced (?:by|with)|superseded by|succeeded by|swapped for|retired for)\\s+${VALUE}${BY_NOW}`,
  `^${VALUE}\\s+(?:has\\s+|have\\s+)?(?:replace[sd]?|took over from|takes over from|taken over from|succeed(?:s|ed)|supersede[sd]?)\\s+${OLD}${BY_NOW}(?:\\s+as\\s+${THING})?${BY_NOW}`,
  `^${WHO}\\s+(?:no longer|don't|do not)\\s+${STATES}\\s+${OLD}(?:\\s+any ?more)?,?\\s+but\\s+(?:rather\\s+|now\\s+)?(?:(?:in|to|at|for|with|on)\\s+)?${VALUE}`,
  `^${WHO}${DONE}(?:moved|relocated|switched|changed|went|migrated|converted)\\s+(?:over\\s+)?from\\s+${OLD}\\s+to\\s+${VALUE}${BY_NOW}`,
  `^${THING}\\s+(?:(?:has|have)\\s+)?(?:just\\s+|recently\\s+|now\\s+)?(?:(?:was|were|been|got)\\s+)?(?:changed|moved|renamed|switched|migrated|shifted|relocated|postponed|rescheduled)\\s+(?:from\\s+${OLD}\\s+)?to\\s+${VALUE}${BY_NOW}`,
  `^${WHO}${DONE}?(?:changed|moved|switched|shifted|rescheduled|postponed|relocated)\\s+${THING}\\s+(?:from\\s+${OLD}\\s+)?to\\s+${VALUE}${BY_NOW}`,
].map((pattern) => new RegExp(`${pattern}$`, 'i'));

/** With a value that is known to be over: what stands in its place, behind the last verb of a clause about the same thing. */
const INSTEAD: readonly RegExp[] = [
  new RegExp(
    String.raw`^(?<thing>(?:my|our|the)\s+${LETTERS}{2,70}?)\s+(?:is|are|will be|should be|should read|must be|became|has been)\s+(?:now\s+|actually\s+)?(?:${NAMED})?(?<value>(?!is\b|are\b)[^,;]{1,60}?)(?:\s+now)?$`,
    'i',
  ),
  new RegExp(
    String.raw`^${WHO}(?:'re|'m| am| are)?\s+(?:now\s+|currently\s+)?${STATES}\s+${VALUE}(?:\s+now)?(?:\s+(?:for|as)\s+[^,]{2,60})?$`,
    'i',
  ),
  new RegExp(
    String.raw`^${VALUE}\s+(?:does|handles|covers|has|took over|is doing)\s+(?:that|it|this)(?:\s+(?:job|now))*$`,
    'i',
  ),
  // A bare "9090", or a name.
  /^(?<value>[A-Z0-9][\w'.:/-]*(?:\s+[A-Z][\w'.-]*){0,3}|[a-z]+-\d+)$/,
];

/** What a clause says has changed; undefined when it says no such thing. */
export function changeIn(clause: string): Change | undefined {
  return firstOf(CHANGES, clause);
}

/** The new value in a clause beside which an old one was named, or which says by a word before it that it puts something right. */
export function insteadOf(clause: string, old: string | undefined): Change | undefined {
  const change = firstOf(INSTEAD, clause);
  return change === undefined || old === undefined ? change : { ...change, old };
}

/** "Tom Becker", all by itself behind a "no". */
export function bareValue(clause: string): string | undefined {
  return INSTEAD.at(-1)?.exec(clause)?.groups?.['value'];
}

function firstOf(patterns: readonly RegExp[], clause: string): Change | undefined {
  for (const pattern of patterns) {
    const groups = pattern.exec(clause)?.groups;
    const value = groups?.['value']?.trim();
    if (groups === undefined || value === undefined || value === '') continue;
    const { old, thing } = groups;
    if (old === undefined && thing === undefined && patterns === CHANGES) continue;
    return { value, ...(old === undefined ? {} : { old }), ...(thing === undefined ? {} : { thing }) };
  }
  return undefined;
}
