/** What a clause says, made from the parts of its sentence; each answers undefined for what is not worth keeping. */
import type { CardForm, CardKind } from '#protocol/memory.ts';
import { isLasting, isNamed, isPassing } from './durable.ts';
import { bare, sentence, toUser } from './person.ts';

/** What one clause says. */
export interface Said {
  readonly form: CardForm;
  readonly subject: string;
  readonly value: string;
  readonly statement: string;
  readonly kind: CardKind;
  /** A value that is no longer true, when the clause names it. */
  readonly instead?: string;
}

export function trim(text: string | undefined): string {
  return (text ?? '')
    .trim()
    .replace(/^["'“‘`]+|["'”’`.]+$/g, '')
    .replace(/\s+/g, ' ');
}

export function told(
  form: CardForm,
  subject: string,
  value: string | undefined,
  statement: string,
  kind: CardKind = 'fact',
): Said | undefined {
  const short = bare(trim(value));
  if (short === '') return undefined;
  return { form, subject: trim(subject), value: toUser(short), statement: sentence(statement), kind };
}

export function instead(said: Said, old: string | undefined): Said {
  const gone = bare(trim(old));
  return gone === '' ? said : { ...said, instead: gone, kind: 'correction' };
}

export function kindOf(said: Said | undefined, kind: CardKind): Said | undefined {
  return said === undefined ? undefined : { ...said, kind };
}

export function address(name: string | undefined): Said | undefined {
  const value = trim(name).replace(/\s+(?:from now on|please|instead|anyway)$/i, '');
  if (!/^[A-Z]/.test(value) || value.split(' ').length > 3) return undefined;
  return {
    form: 'address',
    subject: 'what to call you',
    value,
    statement: sentence(`you want to be called ${value}`),
    kind: 'preference',
  };
}

/** "your new manager's name" is about your manager. */
export function plainSubject(subject: string): string {
  return trim(subject)
    .replace(/^the\b/i, 'the')
    .replace(/^(your|the)\s+(?:new|current|actual|latest|own|correct|right|real)\s+/i, '$1 ')
    .replace(/\s+/g, ' ');
}

const PERSON =
  /\b(?:manager|boss|lead|mentor|partner|wife|husband|son|daughter|brother|sister|mother|father|mom|mum|dad|dog|cat|pet|colleague|teammate|friend|doctor|dentist|landlord|kid|horse|roommate|neighbou?r|supervisor|assistant|intern|boyfriend|girlfriend|fianc[eé]e?)(?=['’]s\s+name$)/i;

export function attribute(subject: string, value: string | undefined, kind: CardKind = 'fact'): Said | undefined {
  let about = plainSubject(subject);
  if (PERSON.test(about)) about = about.replace(/['’]s\s+name$/i, '');
  else if (/['’]s\s+name$/i.test(about)) return named(about.replace(/['’]s\s+name$/i, ''), value);
  const whole = trim(value);
  if (!isLasting(about, whole)) return undefined;
  return told('attribute', about, whole, `${about} ${isOrAre(about)} ${toUser(whole)}`, kind);
}

/** Of the noun that counts: "the deadline of your talks" is one. */
function isOrAre(subject: string): 'is' | 'are' {
  const noun = subject.split(/\s+(?:of|for|in|on|at|from|where|that|which|who|when)\s+/i, 1)[0] ?? subject;
  const plural =
    /(?:[^s]s|children|people)$/i.test(noun) && !/(?:'s|[iu]s|address|canvas|class|process|os|aws)$/i.test(noun);
  return plural ? 'are' : 'is';
}

export function named(subject: string, value: string | undefined): Said | undefined {
  const about = plainSubject(subject);
  const name = trim(value);
  if (name === '' || name.split(' ').length > 6 || !isLasting(about, isNamed(name) ? name : `"${name}"`))
    return undefined;
  return told('name', about, name, `${about} ${isOrAre(about)} called ${name}`);
}

export function uses(
  value: string | undefined,
  purpose: string | undefined,
  link: 'for' | 'to' = 'for',
): Said | undefined {
  const what = trim(value);
  const why = trim(purpose).replace(/\s+(?:now|these days|nowadays|here|at work)$/i, '');
  if (what === '' || what.split(' ').length > 8 || why.split(' ').length > 12) return undefined;
  if (
    /^(?:it|this|that|them|these|those|to|one|now|example)\b/i.test(what) ||
    /^(?:it|this|that|now|example|the time being)$/i.test(why)
  )
    return undefined;
  const subject = link === 'for' ? toUser(why) : `to ${toUser(why)}`;
  return told('use', subject, what, `you use ${toUser(what)} ${link} ${toUser(why)}`);
}

export function changed(g: Readonly<Record<string, string>>): Said | undefined {
  const { old, value, purpose, object } = g;
  const what = trim(value).replace(/\s+(?:now|last \w+|this \w+|yesterday|today|recently)$/i, '');
  if (what === '' || /^(?:it|this|that|the next|a new|another|do|be|get)\b/i.test(what)) return undefined;
  const about = trim(object).replace(/^(?:everything|all)\b\s*/i, '');
  if (about !== '') {
    if (isPassing(about)) return undefined;
    const said =
      moved(g['verb'], about, what) ??
      attribute(toUser(about), what, 'correction') ??
      uses(what, about.replace(/^(?:the|our|my)\s+/i, ''));
    return said === undefined ? undefined : instead(said, old);
  }
  if (purpose !== undefined) {
    const said = uses(what, purpose);
    return said === undefined ? undefined : instead(said, old);
  }
  const gone = trim(old);
  if (gone === '') return undefined;
  // Without a purpose it is told by what it replaced.
  const said = told('use', `what ${gone} was used for`, what, `you use ${what} instead of ${gone}`, 'correction');
  return said === undefined ? undefined : instead(said, gone);
}

/** "We moved the docs to Notion" says where they are, "we changed the port to 81" what it is. */
function moved(verb: string | undefined, about: string, to: string): Said | undefined {
  if (verb === undefined || !/^(?:moved|migrated|transitioned)$/i.test(verb) || /^\d+$/.test(to)) return undefined;
  const said = placeOf({
    thing: /^(?:my|our|the)\b/i.test(about) ? about : `the ${about}`,
    where: /^\d{1,2}:\d\d/.test(to) ? 'at' : /^\w+day\b/.test(to) ? 'on' : 'in',
    value: to,
  });
  return said === undefined ? undefined : { ...said, kind: 'correction' };
}

const BASE: Readonly<Record<string, string>> = {
  running: 'run',
  writing: 'write',
  storing: 'store',
  releasing: 'release',
  coding: 'code',
  shipping: 'ship',
  shipped: 'ship',
  formatting: 'format',
  using: 'use',
};

export function does(g: Readonly<Record<string, string>>): Said | undefined {
  const { verb = '', object, how = 'with', value } = g;
  const what = trim(value);
  if (!isNamed(what) || what.split(' ').length > 7 || /\b(?:called|named|that|which|where)\b/i.test(what))
    return undefined;
  if (/^(?:an?|some|this|that|it)\b/i.test(trim(object))) return undefined;
  const base = BASE[verb.toLowerCase()] ?? verb.toLowerCase().replace(/(?:ing|ed)$/, '');
  const action = toUser(object === undefined ? base : `${base} ${trim(object)}`);
  return told('use', `to ${action}`, what, `you ${action} ${how} ${what}`);
}

export function place(who: string, verb: string, where: string, value: string | undefined): Said | undefined {
  const what = trim(value);
  if (!/^[A-Z0-9/~]|^(?:the|an?)\s/.test(what) || STATELESS.test(what)) return undefined;
  return told('place', who, what, `${who} ${verb} ${where} ${what}`);
}

const STATELESS =
  /^(?:progress|review|trouble|order|place|use|charge|general|fact|time|touch|case|fire|hold|track|purpose|vacation|holiday|leave|it|there|here|this|that|a (?:loop|mess|bad|good|way|state)|the (?:way|process|middle|future|works|past|mood|same|meantime))\b/i;

export function placeOf(g: Readonly<Record<string, string>>): Said | undefined {
  const { thing = '', where = 'in', value } = g;
  const about = plainSubject(toUser(thing));
  const what = toUser(trim(value));
  if (STATELESS.test(what) || !isLasting(about, isNamed(what) ? what : `"${what}"`)) return undefined;
  const verb = isOrAre(about);
  if (WHEN.test(about) || WHEN.test(what)) return told('attribute', about, what, `${about} ${verb} ${where} ${what}`);
  if (!isNamed(what) && !/^(?:the|an?|your)\s/i.test(what)) return undefined;
  return told('place', about, what, `${about} ${verb} ${where} ${what}`);
}

const WHEN =
  /\b(?:birthday|anniversary|deadline|meeting|stand-?up|retro(?:spective)?|demo|review|release|launch|freeze|appointment|flight|wedding|vacation|holiday|interview|exam|sprint|planning|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|june|july|august|september|october|november|december|\d{1,2}(?::\d\d)?\s?(?:am|pm|o'clock))\b|^\d{1,2}:\d\d/i;

export function prefers(value: string | undefined, other?: string): Said | undefined {
  const what = trim(value);
  const not = trim(other);
  if (what === '' || /^(?:it|this|that|not)$/i.test(what)) return undefined;
  const statement = not === '' ? `you prefer ${toUser(what)}` : `you prefer ${toUser(what)} over ${toUser(not)}`;
  const options = not === '' ? toUser(what) : [toUser(what), toUser(not)].sort().join(' or ');
  return told('preference', options, what, statement, 'preference');
}

export function prefersFor(value: string | undefined, purpose: string | undefined, other?: string): Said | undefined {
  const what = bare(trim(value));
  const why = toUser(trim(purpose));
  if (what === '' || /^(?:it|this|that|not)$/i.test(what) || why.split(' ').length > 6) return undefined;
  const over = other === undefined ? '' : ` over ${toUser(trim(other))}`;
  return told('preference', why, what, `you prefer ${toUser(what)}${over} for ${why}`, 'preference');
}

export function likes(verb = 'like', value: string | undefined): Said | undefined {
  const what = trim(value);
  if (
    /^(?:it|this|that|how|what|when|where|the way|your|you|to (?:know|ask|see|understand|get|have|do|make|be|learn|add|change|fix))\b/i.test(
      what,
    )
  )
    return undefined;
  if (what.split(' ').length > 8) return undefined;
  const plain = verb.toLowerCase().replace('cannot', "can't").replace('do not', "don't");
  return told('preference', toUser(what), what, `you ${plain} ${toUser(what)}`, 'preference');
}

const ABOUT_ANSWERS =
  /\b(?:answers?|repl(?:y|ies)|respon(?:d|ses?)|explain\w*|explanations?|summar\w+|code|comments?|commit|examples?|tabs?|spaces|indent\w*|quotes?|semicolons?|types?|type hints|docstrings?|functions?|variables?|names?|write|use|format\w*|emoji\w*|bullet\w*|language|english|german|short|brief|concise|test\w*|imports?|classes|async|camel\w*|snake\w*)\b/i;

export function isAboutAnswers(text: string): boolean {
  return ABOUT_ANSWERS.test(text);
}

/** `when`: what it is bound to, in Zell's words ("when I write Python"). */
export function rule(how = 'always', value: string | undefined, when = ''): Said | undefined {
  const action = trim(value).replace(/^(?:please\s+|to\s+)/i, '');
  if (
    action.split(' ').length < 2 ||
    // "…, always returns an int" speaks of something else.
    /^[a-z]+(?<![su])s\b/i.test(action) ||
    /^(?:is|was|are|been|had|has|mind|heard|seen|know|knew|thought|got|get|had|wanted|wondered|be|liked)\b/i.test(
      action,
    )
  )
    return undefined;
  const lower = how.toLowerCase();
  const whole = `${toUser(action)} ${when}`.trim();
  return told('rule', whole, action, `${lower} ${whole}`, ABOUT_ANSWERS.test(action) ? 'style' : 'preference');
}

/** What befalls people is no habit of theirs. */
export const HAPPENS =
  /^(?:get|gets|see|forget|have|feel|end up|run into|hear|wonder|struggle|fail|\w+ed|understood|understand|knew|know|got|saw|had|thought|think|found|find|made|did|was|were|am|are|tried|learnt|figured|need|want|wanted|mix|confuse)\b/i;

export function gerund(action = ''): string {
  return /^\w+ing\b/i.test(action) ? action : `use ${action}`;
}

export function decides(value: string | undefined): Said | undefined {
  const what = trim(value);
  if (/^(?:it|this|that)$/i.test(what) || what.split(' ').length < 3) return undefined;
  return told(
    'note',
    `what you decided about ${topicOf(what)}`,
    toUser(what),
    `you decided ${/^to\b/i.test(what) ? '' : 'that '}${toUser(what)}`,
    'decision',
  );
}

/** The first few words that carry meaning. */
export function topicOf(text: string): string {
  const words = toUser(text)
    .replace(/^(?:to|that|the|a|an|your)\s+/i, '')
    .split(/\s+/)
    .filter(
      (w) =>
        !/^(?:to|the|a|an|of|for|in|on|is|are|be|will|should|must|and|or|with|only|not|have|has|your|you|all)$/i.test(
          w,
        ),
    );
  return words.slice(0, 4).join(' ').toLowerCase();
}
