/** Items that say no to what was never told, asked in the very wordings in which the known is asked. */
import type { Card } from '#protocol/memory.ts';
import { shuffled } from './random.ts';
import { unknownTopics, unsaidOf, type UnknownTopic } from './unknownTopics.ts';
import { questionsAbout } from './wordings.ts';

export interface Abstention {
  readonly question: string;
  readonly answer: string;
}

/** Questions that ask for a part without naming it: "my nephew's age" is "How old is my nephew?". */
const WITHOUT_NAMING: Readonly<Record<string, readonly string[]>> = {
  name: ['Who is {}?', 'What is {} called?', 'What is the name of {}?'],
  age: ['How old is {}?'],
  job: ['What does {} do?'],
  hobby: ['How does {} spend the day?'],
  nationality: ['Which country does {} come from?'],
  'home address': ['Where does {} live?', 'Which town does {} live in?', 'In which street is the home of {}?'],
  'hair colour': ['Which colour of hair does {} have?'],
  'email address': ['Under which address do I write to {}?'],
  colour: ['Which colour is {}?'],
  price: ['How much did {} cost?', 'Where did I buy {}?'],
  weight: ['How heavy is {}?'],
  port: ['On which port is {}?'],
  location: ['Where is {}?', 'In which town is {}?'],
};
/** Contrasts of one card. */
const UNSAID_OF_A_CARD = 2;

/**
 * `count` of them: things by themselves, parts of people and things, and what the cards leave unsaid of their own subjects, in equal
 * shares. Without the last ones whatever is asked about a known subject is answered with what is known of it. The answer is always
 * the same sentence, so that its first word says whether a subject is known.
 */
export function abstentionsFor(cards: readonly Card[], count: number, random: () => number): Abstention[] {
  const { plain, owned } = unknownTopics(cards);
  const unsaid = cards.flatMap((card) => shuffled(unsaidOf(card, cards), random).slice(0, UNSAID_OF_A_CARD));
  const pools = [plain, owned, unsaid].filter((pool) => pool.length > 0).map((pool) => shuffled(pool, random));
  return Array.from({ length: count }, (_none, i) => {
    const pool = pools[i % pools.length] ?? [];
    const topic = pool[Math.floor(i / pools.length) % pool.length];
    return topic === undefined ? [] : [abstention(topic, random)];
  }).flat();
}

function abstention(topic: UnknownTopic, random: () => number): Abstention {
  const { thing, part } = topic;
  const direct = part === undefined ? [] : (WITHOUT_NAMING[part] ?? []).map((asked) => asked.replace('{}', thing));
  const asked = direct.length > 0 && random() < 0.5 ? direct : questionsOf(topic);
  const question = asked[Math.floor(random() * asked.length)] ?? '';
  const told = `ou have not told me ${topic.yours}.`;
  return { question, answer: /^(?:Did|Have) /.test(question) ? `No, y${told}` : `Y${told}` };
}

function questionsOf({ mine }: UnknownTopic): string[] {
  return [
    ...questionsAbout(mine),
    `Tell me ${mine}.`,
    `Can you remind me of ${mine}?`,
    `What did I say about ${mine}?`,
    `Did we talk about ${mine}?`,
    `Have I ever mentioned ${mine}?`,
  ];
}
