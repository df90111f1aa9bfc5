/** Cards by rules, without any model: from what the user wrote in one conversation, in the order in which it was said. */
import type { Card } from '#protocol/memory.ts';
import { cardId, topicKey } from './cardId.ts';
import { clausesOf, plainSentences, type Clause } from './clauses.ts';
import { bareValue, changeIn, insteadOf, type Change } from './changes.ts';
import { corrected, pronounValue, sameValue, speaksOf, whatIsOver, withoutOld } from './corrections.ts';
import { asidesIn } from './embedded.ts';
import { isLastingNoun, isNamed, isSecretSubject } from './durable.ts';
import { isGrounded } from './grounding.ts';
import { ownWords } from './ownWords.ts';
import { bare, fromUser, sentence, toUser } from './person.ts';
import { PHRASES } from './phrases.ts';
import { aboutThing, isMeant, isOfKind, isSameThing } from './sameThing.ts';
import { attribute, topicOf, type Said } from './said.ts';

/** One user turn, as it stands in the log. */
export interface UserTurn {
  readonly eventId: number;
  readonly timestamp: number;
  readonly prompt: string;
  readonly conversation?: string;
  readonly workspace?: string;
}

const MAX_A_TURN = 8;
const MAX_A_CONVERSATION = 24;

/**
 * Mentions of cards: each has one event as its source, and the same thing said twice is two mentions with one id.
 * `known`: valid cards from before, which a correction may be about.
 */
export function extractCards(turns: readonly UserTurn[], known: readonly Card[]): Card[] {
  const cards: Card[] = [];
  for (const turn of turns) {
    if (cards.length >= MAX_A_CONVERSATION) break;
    const words = ownWords(turn.prompt);
    if (words === '') continue;
    const reader = new TurnReader(turn, words, [...known, ...cards]);
    for (const clause of clausesOf(words)) reader.read(clause);
    reader.readAsides(plainSentences(words));
    cards.push(...reader.cards.slice(0, MAX_A_TURN));
  }
  return cards.slice(0, MAX_A_CONVERSATION);
}

class TurnReader {
  readonly cards: Card[] = [];
  readonly #turn: UserTurn;
  readonly #words: string;
  /** Oldest first; the last of those that fit is what a correction means. */
  readonly #before: readonly Card[];
  /** Set by "Priya isn't my manager any more", for the clause that follows. */
  #over: { readonly old?: string; readonly thing?: string } | undefined;

  constructor(turn: UserTurn, words: string, before: readonly Card[]) {
    this.#turn = turn;
    this.#words = words;
    this.#before = before;
  }

  read(clause: Clause): void {
    const changes = changeIn(clause.text) !== undefined;
    const { text, old } = changes ? { text: clause.text, old: undefined } : withoutOld(clause.text);
    const over = this.#over;
    const ends = changes ? undefined : whatIsOver(text);
    if (ends !== undefined) {
      // "The office has changed. It was Varnberg, now …" says it in two sentences.
      this.#over = { ...over, ...ends };
      return;
    }
    this.#over = undefined;
    const gone = old ?? over?.old;
    const said =
      this.#changed(text, gone) ??
      this.#correction(text, gone, over?.thing, clause.corrects) ??
      this.#plain(text, gone, clause.corrects) ??
      (clause.corrects ? this.#restated(text) : undefined);
    if (said !== undefined) this.#keep(said, clause);
    else if (clause.explicit) this.#note(text);
  }

  /** What is told by the way counts only where nothing plainer was said of it. */
  readAsides(sentences: readonly string[]): void {
    const text = sentences.join('\n');
    for (const said of asidesIn(text)) {
      const topic = topicKey({ ...said, ...this.#scope(said) });
      if (this.cards.some((card) => topicKey(card) === topic)) continue;
      // A name that was put right in the same breath is the old one.
      if (this.cards.some((card) => card.kind === 'correction')) continue;
      this.#keep(said, { text, explicit: false, corrects: false });
    }
  }

  /** "We renamed Falcon to Osprey": what Falcon was is known from before; a thing may also be told of for the first time. */
  #changed(text: string, old: string | undefined): Said | undefined {
    for (const part of beginnings(text)) {
      const change = changeIn(part) ?? (old === undefined ? undefined : insteadOf(part, old));
      if (change === undefined) continue;
      const target = this.#changedCard(change);
      const said = target === undefined ? undefined : corrected(target, change.value, partOf(target, change.old));
      if (said !== undefined) return said;
      const told = change.thing === undefined ? undefined : restated(change.thing, change.value);
      if (told !== undefined)
        return old === undefined && change.old === undefined ? told : { ...told, instead: change.old ?? old ?? '' };
    }
    return undefined;
  }

  /** "Sorry, our room should be 4.115": a sentence that says it only because something was wrong. */
  #restated(text: string): Said | undefined {
    const change = insteadOf(text, undefined);
    const target = change?.thing === undefined ? undefined : this.#changedCard(change);
    return change === undefined || target === undefined ? undefined : corrected(target, change.value);
  }

  #changedCard({ old, thing, value }: Change): Card | undefined {
    const cards = this.#all();
    if (old === undefined) return thing === undefined ? undefined : ofKind(aboutThing(toUser(thing), cards), value);
    const had = cards.filter((card) => sameValue(card.value, old)).reverse();
    if (thing === undefined) return had[0];
    const near = cards.filter((card) => speaksOf(card.value, old)).reverse();
    return [...had, ...near].find((card) => isMeant(thing, card));
  }

  /** "It's Berlin": only with something that it can be about. */
  #correction(text: string, old: string | undefined, thing: string | undefined, corrects: boolean): Said | undefined {
    const { value, meant } = pronounValue(text) ?? { value: corrects ? bareValue(text) : undefined, meant: false };
    if (value === undefined) return undefined;
    const target =
      (old === undefined ? undefined : this.#changedCard({ old, value, ...(thing === undefined ? {} : { thing }) })) ??
      (thing === undefined ? undefined : aboutThing(thing, this.#all()));
    if (target !== undefined) return corrected(target, value);
    if (thing !== undefined) {
      const about = fromUser(thing);
      return this.#plain(`${about} is ${value}`, old, true) ?? restated(about, value);
    }
    // Of what this conversation spoke about last.
    const last = this.#all()
      .filter((card) => card.conversation === this.#turn.conversation)
      .at(-1);
    const said = corrects || meant ? ofKind(last, value) : undefined;
    return said === undefined ? undefined : corrected(said, value);
  }

  /** The whole clause, or else its beginning: "my shell is fish, I like it", "I live in Ulm and want to …". */
  #plain(text: string, old: string | undefined, corrects: boolean): Said | undefined {
    for (const part of beginnings(text)) {
      const said = this.#phrase(part, old);
      if (said !== undefined) return this.#settled(said, corrects || old !== undefined);
    }
    return undefined;
  }

  #phrase(text: string, old: string | undefined): Said | undefined {
    for (const { pattern, read } of PHRASES) {
      const groups = pattern.exec(text)?.groups;
      const said = groups === undefined ? undefined : read(groups);
      if (said === undefined) continue;
      const gone = said.instead ?? (old === undefined ? undefined : bare(old));
      // "We switched from Jenkins to Buildkite": what Jenkins was for is known from before.
      const target = gone === undefined ? undefined : this.#find((card) => sameValue(card.value, gone));
      if (target !== undefined && (/^what .* was used for$/i.test(said.subject) || isMeant(said.subject, target)))
        return corrected(target, said.value) ?? said;
      return gone === undefined ? said : { ...said, instead: gone };
    }
    return undefined;
  }

  /** What puts something right says it of the card that it is about, in that card's words. */
  #settled(said: Said, corrects: boolean): Said {
    if (!corrects && said.kind !== 'correction') return said;
    if (!/^(?:attribute|name|place)$/.test(said.form)) return said;
    const target = ofKind(aboutThing(said.subject, this.#all()), said.value);
    return (target === undefined ? undefined : corrected(target, said.value)) ?? said;
  }

  #note(text: string): void {
    const reminder = /^to\s+(?=\w)/i.test(text);
    const plain = toUser(text);
    if (text.split(/\s+/).length < (reminder ? 4 : 3) || /^(?:this|that|it|the following|these)\b/i.test(text)) return;
    const verb =
      /^(.{3,60}?)\s+(?:is|are|was|were|has|have|must|should|needs?|can(?:not|'t)?|will|runs?|uses?|takes?|happens?|requires?|expires?|starts?|ends?|belongs?|goes|go)\s+(.+)$/i.exec(
        plain,
      );
    const about = reminder ? topicOf(plain) : (verb?.[1] ?? topicOf(plain));
    const value = reminder ? plain.replace(/^to\s+/i, '') : (verb?.[2] ?? plain);
    const statement = sentence(reminder ? `you asked me to remember ${plain}` : plain);
    this.#keep(
      { form: 'note', subject: about, value: bare(value), statement, kind: 'fact' },
      { text, explicit: true, corrects: false },
    );
  }

  #keep(said: Said, clause: Clause): void {
    const { eventId, timestamp, conversation } = this.#turn;
    const { form, subject, value, statement } = said;
    if (isSecretSubject(statement) || isSecretSubject(subject) || looksSecret(value)) return;
    const scope = this.#scope(said);
    const topic = topicKey({ form, subject, ...scope });
    const rival = this.#find((card) => topicKey(card) === topic && !sameValue(card.value, value));
    const target =
      said.instead === undefined ? undefined : this.#find((card) => sameValue(card.value, said.instead ?? ''));
    const replaced = rival ?? (target !== undefined && topicKey(target) === topic ? target : undefined);
    // A corrected sentence is partly made of the one it corrects.
    const basis = [replaced, target].map((card) => `${card?.statement ?? ''} ${card?.subject ?? ''}`).join(' ');
    if (!isGrounded(statement, `${this.#words} ${basis}`)) return;
    const kind = replaced !== undefined && (said.kind === 'fact' || clause.corrects) ? 'correction' : said.kind;
    const id = cardId({ form, subject, statement, ...scope });
    if (this.cards.some((card) => card.id === id)) return;
    this.cards.push({
      id,
      subject,
      statement,
      value,
      kind,
      form,
      ...scope,
      sources: [eventId],
      ...(conversation === undefined ? {} : { conversation }),
      validFrom: timestamp,
      ...(replaced === undefined || replaced.id === id ? {} : { supersedes: replaced.id }),
      by: 'template',
    });
    if (kind === 'correction' && replaced !== undefined) this.#alsoCorrect(replaced, value, clause);
  }

  /** What was told of the same thing, in one breath ("I train on tapir-59, that is our GPU machine") or in other words, changes together. */
  #alsoCorrect(replaced: Card, value: string, clause: Clause): void {
    const gone = new Set(this.#all().map((card) => card.supersedes));
    const others = this.#all().filter(
      (card) =>
        card.id !== replaced.id &&
        !gone.has(card.id) &&
        topicKey(card) !== topicKey(replaced) &&
        speaksOf(card.value, replaced.value) &&
        (card.subject === 'you') === (replaced.subject === 'you') &&
        (card.sources.some((source) => replaced.sources.includes(source)) || isSameThing(replaced, card)),
    );
    for (const other of others) {
      const said = corrected(other, value, replaced.value);
      if (said !== undefined) this.#keep(said, clause);
    }
  }

  /** What a team does belongs to its workspace, what a person is and likes goes along. */
  #scope(said: Said): Pick<Card, 'scope'> & { readonly workspace?: string } {
    const { workspace } = this.#turn;
    const own =
      said.form === 'address' || said.form === 'preference' || said.kind === 'style' || said.subject === 'you';
    if (workspace === undefined || own || PERSONAL.test(said.subject)) return { scope: 'global' };
    return { scope: 'workspace', workspace };
  }

  #find(fits: (card: Card) => boolean): Card | undefined {
    return [...this.#all()].reverse().find(fits);
  }

  /** Oldest first. */
  #all(): readonly Card[] {
    return [...this.#before, ...this.cards];
  }
}

/** A thing of which nothing was known, with its new value; without an owner only what people tell for keeps. */
function restated(thing: string, value: string): Said | undefined {
  const owned = /\b(?:my|our|we|i)\b/i.test(thing);
  return owned || (isLastingNoun(thing) && isNamed(value)) ? attribute(toUser(thing), value, 'correction') : undefined;
}

/** The part of a card's value that is meant, when it is not all of it. */
function partOf(card: Card, old: string | undefined): string | undefined {
  return old === undefined || sameValue(card.value, old) ? undefined : bare(old);
}

function ofKind(card: Card | undefined, value: string): Card | undefined {
  return card !== undefined && isOfKind(bare(value), card.value) ? card : undefined;
}

const ENDS =
  /,\s+|\s+(?:so|because|since|but|though|although|which|and (?:the|there|I|i|we|my|it|they|then|want|need|now|a|an|runs?|has|is|are|was|every|please))\b|\s+(?=\()|:\s+|\s+now\b/g;

/** Never a part of what is told. */
const REASONS = /\s(?:because|although|and (?:there|they|is|are|has|was)\b)/i;

/** The longest first. */
function beginnings(text: string): string[] {
  const cuts = [...text.matchAll(ENDS)].map((match) => match.index);
  const shorter = cuts
    .reverse()
    .slice(0, 6)
    .map((cut) => text.slice(0, cut).trim());
  const all = [text, ...shorter].filter((part) => !REASONS.test(part));
  return all.length > 0 ? all : [text];
}

const PERSONAL =
  /\b(?:your (?:name|home town|employer|job|birthday|birthplace|allergy|manager|boss|partner|wife|husband|son|daughter|dog|cat|favou?rite|hobby|diet|phone|car|age|city|hometown|timezone|time zone|native language|pronouns))\b/i;

/** A long run of letters and digits without a word in it is a key more often than anything to remember. */
function looksSecret(value: string): boolean {
  return value.split(/\s+/).some((word) => {
    const runs = word.split(/[-_./:@]+/);
    return runs.some((run) => run.length >= 16 && /\d/.test(run) && /[a-z]/i.test(run));
  });
}
