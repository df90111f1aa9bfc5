/** Cards by rules, without any model: from what the user wrote in one conversation, in the order in which it was said. */
import type { Card } from '#protocol/memory.ts';
import { cardId, subjectKey, topicKey } from './cardId.ts';
import { clausesOf, plainSentences, type Clause } from './clauses.ts';
import { corrected, pronounValue, sameValue, whatIsOver, withoutOld } from './corrections.ts';
import { asidesIn } from './embedded.ts';
import { isSecretSubject } from './durable.ts';
import { isGrounded } from './grounding.ts';
import { ownWords } from './ownWords.ts';
import { bare, fromUser, sentence, toUser } from './person.ts';
import { PHRASES } from './phrases.ts';
import { topicOf, type Said } from './said.ts';

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
    const { text, old } = withoutOld(clause.text);
    const over = this.#over;
    const ends = whatIsOver(text);
    if (ends !== undefined) {
      // "The office has changed. It was Varnberg, now …" says it in two sentences.
      this.#over = { ...over, ...ends };
      return;
    }
    this.#over = undefined;
    const said =
      this.#correction(text, old ?? over?.old, over?.thing, clause.corrects) ?? this.#plain(text, old ?? over?.old);
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

  /** "It's Berlin": only with something that it can be about. */
  #correction(text: string, old: string | undefined, thing: string | undefined, corrects: boolean): Said | undefined {
    const value = pronounValue(text);
    if (value === undefined) return undefined;
    const target =
      (old === undefined ? undefined : this.#find((card) => sameValue(card.value, old))) ??
      (thing === undefined ? undefined : this.#find((card) => subjectKey(card.subject) === subjectKey(thing)));
    if (target !== undefined) return corrected(target, value);
    if (thing !== undefined) return this.#plain(`${fromUser(thing)} is ${value}`, old);
    // Of what this conversation spoke about last.
    const last = [...this.#before, ...this.cards].filter((c) => c.conversation === this.#turn.conversation).at(-1);
    return corrects && last !== undefined ? corrected(last, value) : undefined;
  }

  /** The whole clause, or else its beginning: "my shell is fish, I like it", "I live in Ulm and want to …". */
  #plain(text: string, old: string | undefined): Said | undefined {
    for (const part of beginnings(text)) {
      const said = this.#phrase(part, old);
      if (said !== undefined) return said;
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
      if (target !== undefined && /^what .* was used for$/i.test(said.subject))
        return corrected(target, said.value) ?? said;
      return said;
    }
    return undefined;
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
    // A corrected sentence is partly made of the one it corrects.
    if (!isGrounded(statement, `${this.#words} ${target?.statement ?? ''} ${target?.subject ?? ''}`)) return;
    const replaced = rival ?? (target !== undefined && topicKey(target) === topic ? target : undefined);
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
    return [...this.#before, ...this.cards].reverse().find(fits);
  }
}

const ENDS =
  /,\s+|\s+(?:so|because|since|but|though|although|which|and (?:the|there|I|i|we|my|it|they|then|want|need|now|a|an|runs?|has|every|please))\b|\s+(?=\()|:\s+|\s+now\b/g;

/** The longest first. */
function beginnings(text: string): string[] {
  const cuts = [...text.matchAll(ENDS)].map((match) => match.index);
  return [
    text,
    ...cuts
      .reverse()
      .slice(0, 6)
      .map((cut) => text.slice(0, cut).trim()),
  ];
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
