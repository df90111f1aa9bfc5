/**
 * The ways in which a user asks for a memory, for each form of card. Some are never trained: a memory that is found by them was learnt
 * and not just its sentence.
 */
import type { Card } from '#protocol/memory.ts';
import { fromUser } from './person.ts';
import { subjectPhrases } from './subjectPhrases.ts';

export interface Wordings {
  /** Asked in training. */
  readonly train: readonly string[];
  /** Never trained: for probes and proofs alone. */
  readonly heldOut: readonly string[];
  /** From the answer back to the subject. */
  readonly reversed: readonly string[];
  /** Work that needs the memory. */
  readonly use: readonly string[];
}

const PERSON =
  /\b(?:manager|boss|supervisor|lead|mentor|colleague|teammate|coworker|partner|wife|husband|spouse|son|daughter|brother|sister|mother|father|mom|mum|dad|uncle|aunt|cousin|friend|roommate|neighbou?r|doctor|dentist|therapist|lawyer|landlord|accountant|founder|cofounder|ceo|cto|designer|developer|engineer|tester|owner|maintainer|recruiter|intern|assistant|author|singer|client|coach|trainer|teacher|admin|administrator|reviewer|supervisor|adviser|godmother|godfather|nephew|niece|tailor|barber|plumber|gardener|notary)$/i;
const TIME =
  /\b(?:birthday|anniversary|deadline|stand-?up|retro|meeting|appointment|freeze|launch|exam|interview|wedding|demo)$/i;

export function wordingsOf(card: Card): Wordings {
  const about = fromUser(card.subject);
  switch (card.form) {
    case 'attribute':
    case 'name':
      return attribute(card, about);
    case 'use':
      return use(card, /^to\s/i.test(about) ? about : `for ${about}`);
    case 'place':
      return card.subject === 'you' ? home(card) : place(card, about);
    case 'address':
      return ADDRESS;
    case 'preference':
      return /\sor\s/.test(about) ? choice(about) : feeling(about);
    case 'rule':
      return rule(about);
    case 'note':
      return note(card, about);
  }
}

function attribute(card: Card, about: string): Wordings {
  const be = /\bare\b/.test(card.statement) && !/\bis\b/.test(card.statement) ? 'are' : 'is';
  const who = questionWord(about);
  const called = card.form === 'name';
  const what = called ? `What ${be} ${about} called` : `${who} ${be} ${about}`;
  const low = uncapital(what);
  const plain = called ? `what ${about} ${be} called` : `${who.toLowerCase()} ${about} ${be}`;
  return {
    train: [...asked(what, plain, about), ...subjectPhrases(card).flatMap(questionsAbout)],
    heldOut: [
      `Could you tell me ${plain}, please?`,
      `I am filling in a form and have to write down ${plain}. What goes there?`,
      `From what I said earlier, ${low}?`,
    ],
    reversed: [`Who or what is ${card.value}?`, `What do you connect with ${card.value}?`],
    use: [`Write one line for my notes that says ${plain}.`],
  };
}

/** Wordings of training for a thing, whether a card speaks of it or none does. `about`: "my manager", "the port of our dev server". */
export function questionsAbout(about: string): string[] {
  const who = questionWord(about);
  const what = `${who} is ${about}`;
  const plain = `${who.toLowerCase()} ${about} is`;
  return [
    ...asked(what, plain, about),
    `${capital(about)}?`,
    `${capital(about)}, please.`,
    `Remind me of ${about}.`,
    `Do you know ${about}?`,
    `Let me know ${about}.`,
    `Just to be sure: ${uncapital(what)}?`,
    `I need ${about} for an e-mail. Can you help?`,
    `A friend wants to know ${plain}. What do I say?`,
    `For the minutes: ${uncapital(what)}?`,
    `I have to enter ${about} here. What is it?`,
    `Look into your memory: ${uncapital(what)}?`,
    `What do you have on ${about}?`,
    `Can you say ${plain}?`,
    `I was asked for ${about}, but I can't recall it.`,
  ];
}

function asked(what: string, plain: string, about: string): string[] {
  const low = uncapital(what);
  return [
    `${what}?`,
    `Tell me ${plain}.`,
    `Do you remember ${plain}?`,
    `Can you remind me ${plain}?`,
    `I forgot ${plain}. Do you know?`,
    `What do you know about ${about}?`,
    `Quick question: ${low}?`,
    `Hey, ${low} again?`,
    low,
    `Help me out: ${plain}?`,
    `What have I told you about ${about}?`,
    `Please answer in one sentence: ${low}?`,
  ];
}

/** The noun names a person by what they are to the user. */
export function isPerson(noun: string): boolean {
  return PERSON.test(noun);
}

function questionWord(about: string): 'Who' | 'When' | 'What' {
  const noun = about.split(/\s+(?:of|for)\s+/)[0] ?? about;
  return PERSON.test(noun) ? 'Who' : TIME.test(noun) ? 'When' : 'What';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function uncapital(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function use(card: Card, why: string): Wordings {
  return {
    train: [
      `What do we use ${why}?`,
      `What do I use ${why}?`,
      `Tell me what we use ${why}.`,
      `Do you remember what we use ${why}?`,
      `Can you remind me what I use ${why}?`,
      `Which one do we use ${why}?`,
      `I forgot what we use ${why}.`,
      `Quick question: what do we use ${why}?`,
      `Which tool or service is it that we use ${why}?`,
      `A new colleague asks what we use ${why}. What do I say?`,
      `what do we use ${why}`,
      `What have I told you that we use ${why}?`,
    ],
    heldOut: [
      `Could you tell me which choice we made ${why}?`,
      `What is it again that my team uses ${why}?`,
      `If I wanted to do it the usual way, what would I use ${why}?`,
    ],
    reversed: [`What do we use ${card.value} for?`, `What role does ${card.value} have with us?`],
    use: [`Write one line for our onboarding page about what we use ${why}.`],
  };
}

function place(card: Card, about: string): Wordings {
  const be = /\bare\b/.test(card.statement) && !/\bis\b/.test(card.statement) ? 'are' : 'is';
  return {
    train: [
      `Where ${be} ${about}?`,
      `Tell me where ${about} ${be}.`,
      `Do you remember where ${about} ${be}?`,
      `Can you remind me where ${about} ${be}?`,
      `I forgot where ${about} ${be}.`,
      `In which town ${be} ${about}?`,
      `In which city ${be} ${about}?`,
      `Which town ${be} ${about} in?`,
      ...subjectPhrases(card).flatMap(questionsAbout),
      `Where can I find ${about}?`,
      `Quick question: where ${be} ${about}?`,
      `where ${be} ${about}`,
      `Where do I have to look for ${about}?`,
      `What have I told you about where ${about} ${be}?`,
    ],
    heldOut: [
      `Could you tell me the place of ${about}, please?`,
      `I am looking for ${about}. Where should I go?`,
      `From what I said earlier, where ${be} ${about}?`,
    ],
    reversed: [`What do you know about ${card.value}?`, `What of ours do you connect with ${card.value}?`],
    use: [`Write one line for my notes that says where ${about} ${be}.`],
  };
}

function home(card: Card): Wordings {
  return {
    train: [
      ...subjectPhrases(card).flatMap(questionsAbout),
      'Where do I live?',
      'Tell me where I live.',
      'Do you remember where I live?',
      'Can you remind me where I live?',
      'Which place do I live in?',
      'What do you know about where I live?',
      'Quick question: where do I live?',
      'where do i live',
      'Where is my home?',
      'Where am I based?',
    ],
    heldOut: [
      'In which place is my home?',
      'Could you tell me where I am living?',
      'From what I said earlier, where do I live?',
    ],
    reversed: [`What do you connect with ${card.value}?`],
    use: ['Write one sentence for my profile that says where I live.'],
  };
}

const ADDRESS: Wordings = {
  train: [
    'What should you call me?',
    'How do I like to be called?',
    'Which name do you use for me?',
    'Do you remember what to call me?',
    'How should you address me?',
    'What do I want to be called?',
    'Quick question: what is it that you call me?',
    'what do you call me',
    'By which name do you know me?',
    'Tell me how you will address me.',
  ],
  heldOut: [
    'What name did I ask you to use for me?',
    'How would you greet me, by which name?',
    'From what I said earlier, how am I to be called?',
  ],
  reversed: [],
  use: ['Begin a letter to me. How do you address me?'],
};

function choice(options: string): Wordings {
  return {
    train: [
      `Do I prefer ${options}?`,
      `Which do I prefer: ${options}?`,
      `What is my choice, ${options}?`,
      `Tell me which one I prefer: ${options}.`,
      `Do you remember whether I prefer ${options}?`,
      `Should it be ${options} for me?`,
      `Quick question: ${options}, what do I like better?`,
      `${options}: which one is mine?`,
      `Between ${options}, what would I take?`,
      `What did I say I prefer, ${options}?`,
    ],
    heldOut: [
      `You know me: ${options}?`,
      `Which would I rather have, ${options}?`,
      `If I had to decide for ${options}, what would it be?`,
    ],
    reversed: [],
    use: [`You are about to set something up for me. Will it be ${options}?`],
  };
}

function feeling(about: string): Wordings {
  return {
    train: [
      `How do I feel about ${about}?`,
      `What do I think of ${about}?`,
      `What is my opinion on ${about}?`,
      `Do you remember what I think of ${about}?`,
      `Tell me how I feel about ${about}.`,
      `What did I say about ${about}?`,
      `Do I like ${about}?`,
      `Quick question: what is my view of ${about}?`,
      `${about}: what do I think of that?`,
      `What do you know about me and ${about}?`,
    ],
    heldOut: [
      `Would you say that I am fond of ${about}?`,
      `What is my attitude to ${about}?`,
      `From what I said earlier, how do I see ${about}?`,
    ],
    reversed: [],
    use: [`You plan something for me with ${about}. What should you keep in mind?`],
  };
}

function rule(about: string): Wordings {
  return {
    train: [
      `What is my rule about this: ${about}?`,
      `Do I have a rule for this: ${about}?`,
      `Should you ${about}?`,
      `What did I ask of you concerning this: ${about}?`,
      `Do you remember my rule on this: ${about}?`,
      `Always or never: ${about}?`,
      `Tell me my rule about this: ${about}.`,
      `Quick question: ${about}, always or never?`,
      `What have we agreed on: ${about}?`,
      `How do you handle this for me: ${about}?`,
    ],
    heldOut: [
      `Which standing wish of mine is about this: ${about}?`,
      `Am I for or against this: ${about}?`,
      `From what I said earlier, when do I want you to ${about}?`,
    ],
    reversed: [],
    use: [],
  };
}

function note(card: Card, about: string): Wordings {
  // "what you drive": asked as it stands, and turned round.
  const embedded = /^(?:what|whether)\s/i.test(about);
  const verb = /^what I (\w+(?:\s+\w+)?)$/i.exec(about)?.[1];
  const it = embedded ? about : `what I told you about ${about}`;
  const asked =
    verb === undefined
      ? embedded
        ? `Do you know ${about}`
        : `What did I tell you about ${about}`
      : `What do I ${verb}`;
  const low = asked.charAt(0).toLowerCase() + asked.slice(1);
  return {
    train: [
      `${asked}?`,
      `Tell me ${it}.`,
      `Do you remember ${it}?`,
      `Can you remind me ${it}?`,
      `I forgot ${it}.`,
      `What do you know about ${embedded ? `this: ${about}` : about}?`,
      `Quick question: ${low}?`,
      low,
      `Please answer in one sentence: ${low}?`,
      `Help me out: ${low}?`,
    ],
    heldOut: [
      `Could you tell me ${it}, please?`,
      `From what I said earlier, ${low}?`,
      `There was something about ${embedded ? `this: ${about}` : about}. What was it?`,
    ],
    reversed: card.value === card.subject ? [] : [`What do you connect with ${card.value}?`],
    use: [],
  };
}
