// One fictional user by seed: what is true about them, what they say in 100 conversations, and what they are asked afterwards.
import { CATEGORIES, CHANGES, QUESTIONS, SLOTS, type Slot } from './personaSlots.ts';
import { NOISE } from './personaNoise.ts';
import { poisoned, POISON_WAYS, type Poison } from './personaPoison.ts';
import { makeSecrets, type Secret } from './personaSecrets.ts';
import { STYLE_RULES, TASTES, type StyleRule } from './personaTastes.ts';
import { unknownTopics } from './personaTopics.ts';
import { aliasesOf, Values, type ValueKind } from './personaWords.ts';
import { Random } from './random.ts';

export const FACTS_PER_CATEGORY = 5;
export const PREFERENCES = 10;
export const CORRECTIONS = 5;
export const STYLES = 10;
export const NOISE_CONVERSATIONS = 45;
export const SECRETS = 20;
export const CHOICES = 10;
const NIGHT2_FACTS = 10;
const NIGHT2_CHANGES = 5;
const NIGHT2_NOISE = 10;

export interface SentMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

/** `turns[i]` is what the client adds before it asks for the i-th answer; the last message of each is the user's. */
export interface Conversation {
  readonly kind: 'fact' | 'preference' | 'correction' | 'style' | 'noise' | 'poison';
  /** Ids of the facts, tastes or rules that it is about. */
  readonly about: readonly string[];
  readonly turns: readonly (readonly SentMessage[])[];
}

export interface Fact {
  readonly id: string;
  readonly category: string;
  /** What was said in turn; the last one up to a night is true after it. */
  readonly history: readonly { readonly night: number; readonly value: string; readonly aliases: readonly string[] }[];
  /** Wordings that nothing is trained with. */
  readonly questions: readonly string[];
  /** A whole answer; `{}` is the value. */
  readonly answer: string;
  /** Nine or more values of the same kind that were never true. */
  readonly others: readonly string[];
}

/** A liking; told once and never changed. */
export interface Preference {
  readonly id: string;
  readonly value: string;
  readonly questions: readonly string[];
  readonly answer: string;
  readonly others: readonly string[];
}

export interface Persona {
  readonly seed: number;
  readonly facts: readonly Fact[];
  readonly preferences: readonly Preference[];
  readonly styles: readonly Pick<StyleRule, 'id' | 'tasks' | 'must' | 'mustNot'>[];
  readonly secrets: readonly Secret[];
  readonly poison: readonly Poison[];
  /** Questions on what was never mentioned. */
  readonly unknown: readonly string[];
  /** By night. */
  readonly nights: readonly (readonly Conversation[])[];
}

/** What somebody else's persona consists of; everything but the facts and their sentences is made as ever. */
export interface GivenFact {
  readonly id: string;
  readonly category?: string;
  readonly value: string;
  readonly aliases?: readonly string[];
  /** Whole messages of the user. */
  readonly mentions: readonly string[];
  readonly questions: readonly string[];
  readonly answer: string;
  readonly others: readonly string[];
}

export const user = (content: string): SentMessage => ({ role: 'user', content });

/** The value that is true after a night, and those that were before; undefined when it is not known yet. */
export function factAfter(
  fact: Fact,
  night: number,
): { readonly value: string; readonly aliases: readonly string[]; readonly before: readonly string[] } | undefined {
  const told = fact.history.filter((entry) => entry.night <= night);
  const last = told.at(-1);
  if (last === undefined) return undefined;
  return { ...last, before: told.slice(0, -1).map(({ value }) => value) };
}

/** Ten whole answers, the right one first; earlier values are among the wrong ones. */
export function choicesOf(fact: Fact, night: number): string[] {
  const now = factAfter(fact, night);
  if (now === undefined) throw new Error(`${fact.id} is not known after night ${night}.`);
  const values = [now.value, ...now.before, ...fact.others].slice(0, CHOICES);
  return values.map((value) => fill(fact.answer, value));
}

/** Fewer facts, nothing else told, fewer questions on what was not: for trials of the proof itself, which prove nothing. */
export function smaller(persona: Persona, facts: number, unknown: number): Persona {
  const kept = persona.facts.filter(({ history }) => history[0]?.night === 1).slice(0, facts);
  const ids = new Set(kept.map(({ id }) => id));
  const isKept = ({ about }: Conversation): boolean => about[0] !== undefined && ids.has(about[0]);
  return {
    ...persona,
    facts: kept,
    preferences: [],
    styles: [],
    secrets: persona.secrets.slice(0, 1),
    unknown: persona.unknown.slice(0, unknown),
    nights: persona.nights.map((night, i) => [
      ...night.filter(isKept),
      // A secret and a conversation about something else come along.
      ...(i === 0 ? night.filter(({ kind }) => kind === 'noise').slice(0, 3) : []),
    ]),
  };
}

/** The `{}` of a sentence; capital letter where it begins with one. */
export function fill(sentence: string, value: string): string {
  const filled = sentence.replaceAll('{}', () => value);
  return sentence.startsWith('{}') ? filled.charAt(0).toUpperCase() + filled.slice(1) : filled;
}

export function makePersona(seed: number, given?: readonly GivenFact[]): Persona {
  const values = new Values(new Random(seed, 'values'));
  const random = new Random(seed, 'facts');
  const slots = CATEGORIES.flatMap((category) => {
    const all = random.shuffle(SLOTS.filter((slot) => slot.category === category));
    return all.map((slot, i) => ({ slot, night: i < FACTS_PER_CATEGORY ? 1 : 2 }));
  });
  const first = slots.filter(({ night }) => night === 1).map(({ slot }) => slot);
  const later = random.sample(
    slots.filter(({ night }) => night === 2).map(({ slot }) => slot),
    NIGHT2_FACTS,
  );
  const told =
    given === undefined
      ? night1Facts(first, values, random)
      : given.map((fact) => toldFact(givenFact(fact), fact.mentions));
  const changes = given === undefined ? night2(told, later, values, random) : { facts: told, conversations: [] };

  const tastes = tastesOf(new Random(seed, 'tastes'));
  const styles = new Random(seed, 'styles').sample(STYLE_RULES, STYLES);
  const secrets = makeSecrets(new Random(seed, 'secrets'), SECRETS);
  const bad = poisoned(values, new Random(seed, 'poison'));
  const noise = new Random(seed, 'noise').shuffle(NOISE).map((turns) => plain('noise', [], turns));
  const first37 = noise.slice(0, NOISE_CONVERSATIONS - POISON_WAYS);
  const night1 = arrange(
    told,
    [...tastes.map(({ conversation }) => conversation), ...styles.map((rule) => styleTold(rule, random))],
    [...withSecrets(first37, secrets), ...bad.conversations],
    new Random(seed, 'order'),
  );
  const second = [...changes.conversations, ...noise.slice(first37.length, first37.length + NIGHT2_NOISE)];
  return {
    seed,
    facts: changes.facts.map(({ fact }) => fact),
    preferences: tastes.map(({ preference }) => preference),
    styles: styles.map(({ id, tasks, must, mustNot }) => ({
      id,
      tasks,
      ...(must === undefined ? {} : { must }),
      ...(mustNot === undefined ? {} : { mustNot }),
    })),
    secrets,
    poison: bad.poison,
    unknown: unknownTopics(),
    nights: changes.conversations.length === 0 ? [night1] : [night1, new Random(seed, 'order 2').shuffle(second)],
  };
}

/** A fact with the conversations of its night: the first one opens it, a correction follows later, further mentions go elsewhere. */
interface ToldFact {
  readonly fact: Fact;
  readonly opening: Conversation;
  readonly correction?: Conversation;
  readonly mentions: readonly string[];
  /** Of the slot, for changes in a later night. */
  readonly mine?: string;
  readonly kind?: ValueKind;
}

function toldFact(fact: Fact, mentions: readonly string[]): ToldFact {
  return { fact, opening: plain('fact', [fact.id], mentions.slice(0, 1)), mentions: mentions.slice(1) };
}

function givenFact(given: GivenFact): Fact {
  const { id, category = 'given', value, aliases = [], questions, answer, others } = given;
  return { id, category, history: [{ night: 1, value, aliases }], questions, answer, others };
}

function night1Facts(slots: readonly Slot[], values: Values, random: Random): ToldFact[] {
  const corrected = new Set(random.sample(slots, CORRECTIONS));
  const facts = slots.map((slot) => makeFact(slot, 1, corrected.has(slot) ? 2 : 1, values, random));
  const own = (kind: ValueKind, not: Fact): string[] =>
    facts
      .filter((f) => f.kind === kind && f.fact !== not)
      .flatMap(({ fact }) => fact.history.map(({ value }) => value));
  // What is true of something else is the harder wrong answer.
  return facts.map((told) => ({ ...told, fact: withOthers(told.fact, told.kind, own(told.kind, told.fact), values) }));
}

function makeFact(
  slot: Slot,
  night: number,
  count: number,
  values: Values,
  random: Random,
): ToldFact & { kind: ValueKind } {
  const history = Array.from({ length: count }, () => values.next(slot.kind)).map((value) => ({
    night,
    value,
    aliases: aliasesOf(slot.kind, value),
  }));
  const fact: Fact = {
    id: slot.id,
    category: slot.category,
    history,
    questions: questionsOf(slot, random),
    answer: slot.answer,
    others: [],
  };
  const sentences = random.shuffle(slot.told).map((sentence) => fill(sentence, history[0]?.value ?? ''));
  const more = count > 1 ? 0 : random.below(3);
  const [old, now] = history;
  return {
    fact,
    opening: plain('fact', [slot.id], sentences.slice(0, 1)),
    mentions: sentences.slice(1, 1 + more),
    mine: slot.mine,
    kind: slot.kind,
    ...(old === undefined || now === undefined
      ? {}
      : { correction: change(slot.id, slot.mine, old.value, now.value, random) }),
  };
}

function withOthers(fact: Fact, kind: ValueKind, own: readonly string[], values: Values): Fact {
  const others = own.slice(0, 4);
  while (others.length < CHOICES - 1) others.push(values.next(kind));
  return { ...fact, others };
}

function questionsOf(slot: Slot, random: Random): string[] {
  const by = slot.kind === 'person' ? QUESTIONS.who : slot.kind === 'place' ? QUESTIONS.where : QUESTIONS.what;
  return [slot.asked, ...random.sample(by, 3).map((question) => question.replace('{}', slot.mine))];
}

function change(id: string, mine: string, old: string, now: string, random: Random): Conversation {
  const filled = random.pick(CHANGES).replaceAll('{new}', now).replaceAll('{old}', old);
  return plain('correction', [id], [fill(filled, mine)]);
}

function night2(
  told: readonly ToldFact[],
  later: readonly Slot[],
  values: Values,
  random: Random,
): { facts: ToldFact[]; conversations: Conversation[] } {
  const changing = new Set(
    random.sample(
      told.filter(({ correction }) => correction === undefined),
      NIGHT2_CHANGES,
    ),
  );
  const conversations: Conversation[] = [];
  const facts = told.map((entry) => {
    const { fact, kind, mine } = entry;
    const old = fact.history.at(-1);
    if (!changing.has(entry) || kind === undefined || mine === undefined || old === undefined) return entry;
    const value = values.next(kind);
    conversations.push(change(fact.id, mine, old.value, value, random));
    return {
      ...entry,
      fact: { ...fact, history: [...fact.history, { night: 2, value, aliases: aliasesOf(kind, value) }] },
    };
  });
  const fresh = later.map((slot) => {
    const made = makeFact(slot, 2, 1, values, random);
    conversations.push(appended(made.opening, made.mentions));
    return { ...made, fact: withOthers(made.fact, slot.kind, [], values) };
  });
  return { facts: [...facts, ...fresh], conversations };
}

function tastesOf(random: Random): { preference: Preference; conversation: Conversation }[] {
  return random.sample(TASTES, PREFERENCES).map((taste) => {
    const [value, ...others] = random.shuffle(taste.options);
    if (value === undefined) throw new Error(`${taste.id} has no options.`);
    const sentence = random.pick(taste.told).replaceAll('{other}', random.pick(others));
    return {
      preference: { id: taste.id, value, questions: taste.asked, answer: taste.answer, others },
      conversation: plain('preference', [taste.id], [fill(sentence, value)]),
    };
  });
}

function styleTold(rule: StyleRule, random: Random): Conversation {
  return plain('style', [rule.id], [random.pick(rule.told)]);
}

/** Secrets come in where people ask for help. */
function withSecrets(conversations: readonly Conversation[], secrets: readonly Secret[]): Conversation[] {
  return conversations.map((conversation, i) => {
    const secret = secrets[i];
    return secret === undefined ? conversation : appended(conversation, [secret.message]);
  });
}

/** A mixed order in which corrections follow what they correct, and further mentions are turns of other conversations. */
function arrange(
  told: readonly ToldFact[],
  tellings: readonly Conversation[],
  rest: readonly Conversation[],
  random: Random,
): Conversation[] {
  const mentions = random.shuffle(
    told.flatMap(({ fact, mentions: more }) => more.map((text) => ({ id: fact.id, text }))),
  );
  const hosts = [...told.map(({ opening }) => opening), ...tellings];
  const order = random.shuffle([...hosts.keys()]);
  mentions.forEach(({ id, text }, i) => {
    const at = order[i % order.length] ?? 0;
    const host = hosts[at];
    if (host !== undefined) hosts[at] = { ...appended(host, [text]), about: [...host.about, id] };
  });
  const opened = random.shuffle([...hosts, ...rest]);
  for (const { fact, correction } of told) {
    if (correction === undefined) continue;
    const after = opened.findIndex(({ kind, about }) => kind === 'fact' && about[0] === fact.id) + 1;
    opened.splice(after + random.below(opened.length - after + 1), 0, correction);
  }
  return opened;
}

function plain(kind: Conversation['kind'], about: readonly string[], turns: readonly string[]): Conversation {
  return { kind, about, turns: turns.map((text) => [user(text)]) };
}

function appended(conversation: Conversation, turns: readonly string[]): Conversation {
  return { ...conversation, turns: [...conversation.turns, ...turns.map((text) => [user(text)])] };
}
