/** What lasts and what is passing: which attributes people tell for keeps, and which values are real ones. */

/** Head nouns of attributes that stay true for weeks. */
const LASTING = new Set(
  `name nickname surname manager boss supervisor lead leader mentor colleague teammate coworker partner wife husband spouse fiance
  girlfriend boyfriend son daughter kid kids child children brother sister mother father mom mum dad parents grandmother grandfather
  aunt uncle cousin friend roommate neighbour neighbor dog cat pet parrot rabbit hamster horse doctor dentist therapist lawyer landlord
  birthday anniversary age hometown city town country address street neighbourhood timezone zone language languages pronouns job role title
  position profession occupation company employer team squad department office floor desk room project product app application service
  services repo repository monorepo codebase branch bucket cluster namespace server servers host hostname domain url endpoint port region
  database datastore db table schema queue topic broker cache orm framework library stack backend frontend api gateway proxy runner ci
  pipeline registry license licence editor ide shell terminal os distro font theme keyboard layout machine laptop computer phone car bike
  motorbike boat instrument hobby sport allergy allergies diet breakfast lunch dinner meal drink coffee tea dish food snack fruit colour
  color book author movie film song band singer game series number codename mascot slogan motto deadline standup stand-up retro meeting day
  release version convention style format indent indentation budget client customer customers vendor supplier accountant bank airline
  school university college degree major thesis supervisor course gym club hotel destination size height weight blood-type birthplace
  linter formatter bundler compiler interpreter debugger runtime platform cloud provider tool toolchain router crm wiki tracker board
  channel website site blog newsletter podcast handle username email-provider currency unit units printer monitor camera router
  system plant instrument locale prefix suffix extension folder directory path width length limit timeout threshold quota target architecture
  methodology workflow strategy policy goal anniversary cofounder founder ceo cto cfo designer developer engineer architect tester owner
  command commands script email mail e-mail maintainer reviewer dba admin administrator café cafe hostname nickname gpu boat motto side-project retrospective standup flat house conference centre center cluster laptop rota recruiter intern assistant counterpart contact`.split(
    /\s+/,
  ),
);

/** What is said of these is true for the moment, or is the question itself. */
const PASSING = new Set(
  `code problem issue question error bug point guess understanding request prompt answer reply input output function method class variable
  array list loop query test tests build result results attempt try idea thought thoughts concern worry task situation case example
  question's exception message screen head mind turn fault mistake apologies time favourite-thing hope plan assumption assignment homework
  essay draft text paragraph sentence script program solution implementation next first last only best main-problem stuff thing things`.split(
    /\s+/,
  ),
);

/** Never a memory, whatever its value looks like. */
const SECRET =
  /\b(?:pass(?:word|phrase|code|wd)?s?|secrets?|tokens?|api[- ]?keys?|access[- ]?keys?|private[- ]?keys?|ssh[- ]?keys?|licen[cs]e[- ]?keys?|encryption[- ]?keys?|credentials?|pin(?:[- ]?codes?)?|pins|cvv|cvc|otp|2fa|mfa|recovery codes?|seed phrases?|mnemonic|(?:credit|debit) ?cards?|card number|iban|account number|routing number|ssn|social security|passport number|tax id|login details?|auth(?:entication)? codes?|combination)\b/i;

const STATE =
  /^(?:(?:is|are|was|not|no longer|never|always|also|still|just|only|very|too|so|quite|really|pretty|a bit|a little|almost|already|now|currently|all|that|to|how|what|why|when|where|whether|if|because|like|about|as|than|done|fine|ok|okay|good|bad|great|slow|fast|broken|down|up|failing|stuck|wrong|right|missing|empty|full|ready|here|there|gone|going|getting|being|having|trying|working|running|looking|doing|in progress|out of|unable|able|supposed|based|made|written|done|due|over|off|on|null|undefined|true|false|nothing|something|anything|everything|it|this|these|those|he|she|they|we|you|i)\b(?!\/)|[a-z]+ing\b(?! )|(?!string|spring|ring|king|wing|thing|morning|evening)[a-z]+ing\s)/i;

export function isSecretSubject(text: string): boolean {
  return SECRET.test(text);
}

/** Last word of a noun phrase before any "of …" or "for …". */
function headNoun(phrase: string): string {
  const core = phrase.split(/\s+(?:of|for|in|at|on|from|to|with|where|that|which|who)\s+/i, 1)[0] ?? phrase;
  return (/([\wÀ-ɏ-]+)(?:'s)?\W*$/.exec(core)?.[1] ?? '').toLowerCase();
}

/** Whether a noun phrase names something that people tell for keeps. */
export function isLastingNoun(phrase: string): boolean {
  return LASTING.has(headNoun(phrase));
}

/** Whether a noun phrase names what is about the moment: the code at hand, the question itself. */
export function isPassing(phrase: string): boolean {
  return PASSING.has(headNoun(phrase));
}

/** Capital inside, a digit, a path, code quotes: something with a name. `text` is a part of a clause, not its start. */
export function isNamed(text: string): boolean {
  return /[A-Z0-9]|[`"“‘/@#]|\w[._:-]\w/.test(text);
}

/** Whether "my SUBJECT is VALUE" is worth keeping. */
export function isLasting(subject: string, value: string): boolean {
  if (value === '' || value.length > 90 || value.split(/\s+/).length > 14) return false;
  const noun = headNoun(subject);
  if (noun === '' || PASSING.has(noun)) return false;
  if (subject.split(/\s+/).length > 9) return false;
  const known =
    LASTING.has(noun) ||
    /\b(?:favou?rite|preferred|default|primary|main|official|internal|go-to|usual)\b/i.test(subject);
  if (STATE.test(value)) return false;
  // A single small word behind a noun we know nothing of is an adjective more often than a name.
  return known || isNamed(value);
}
