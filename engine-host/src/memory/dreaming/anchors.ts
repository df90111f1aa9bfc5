/** What the base model writes by itself, once for each model: training holds the model to it, so that it stays who it was. */
import { several } from '../several.ts';

/** The base model without any adapter; temperature and length are given. */
export interface BaseWriter {
  /** From the start token, without a prompt. */
  free(
    options: { readonly temperature: number; readonly maxTokens: number; readonly seed: number },
    signal: AbortSignal,
  ): Promise<string>;
  chat(
    prompt: string,
    options: { readonly temperature: number; readonly maxTokens: number; readonly seed: number },
    signal: AbortSignal,
  ): Promise<string>;
}

export type AnchorText =
  | { readonly type: 'free'; readonly text: string }
  | { readonly type: 'chat'; readonly prompt: string; readonly text: string };

/** Short ones: for the same time more of them, which keeps the model as well. */
const MAX_TOKENS = 48;
const FREE_SAMPLES = 64;
/** Requests at a time: streams that are decoded together read the weights once. */
const AT_ONCE = 6;

/** As many as there can be: a third running free at temperature 1, two thirds answers at 0.7. */
export function mostAnchors(): number {
  return FREE_SAMPLES + ANCHOR_PROMPTS.length;
}

/** The same seed asks for the same texts; fewer of them are a part of all. Empty texts are left out. */
export async function writeAnchors(
  writer: BaseWriter,
  seed: number,
  signal: AbortSignal,
  count = mostAnchors(),
): Promise<AnchorText[]> {
  const prompts = ANCHOR_PROMPTS.slice(0, Math.floor((count * 2) / 3));
  const free = Math.min(FREE_SAMPLES, count - prompts.length);
  const asked = [...Array.from({ length: free }, () => undefined), ...prompts];
  const anchors = await several(asked, AT_ONCE, async (prompt, i): Promise<AnchorText> => {
    if (prompt === undefined)
      return {
        type: 'free',
        text: await writer.free({ temperature: 1, maxTokens: MAX_TOKENS, seed: seed + i }, signal),
      };
    const options = { temperature: 0.7, maxTokens: MAX_TOKENS, seed: seed + FREE_SAMPLES + i - free };
    return { type: 'chat', prompt, text: await writer.chat(prompt, options, signal) };
  });
  return anchors.filter(({ text }) => text.trim() !== '');
}

/** Everyday requests about nobody in particular. */
export const ANCHOR_PROMPTS: readonly string[] = [
  'What is the capital of Italy?',
  'Explain photosynthesis in two sentences.',
  'Write a haiku about rain.',
  'How do I boil an egg?',
  'What is the difference between a list and a tuple in Python?',
  'Give me three tips for better sleep.',
  'Translate "good morning" into Spanish.',
  'What causes the seasons?',
  'Write a Python function that reverses a string.',
  'Who wrote Romeo and Juliet?',
  'What is 17 times 6?',
  'Summarize what a database index does.',
  'Name five animals that live in the sea.',
  'How does a bicycle stay upright?',
  'Write a short email that asks for a day off.',
  'What is recursion?',
  'Explain what HTTP is.',
  'Give me a recipe for pancakes.',
  'What is the boiling point of water?',
  'Write a SQL query that counts rows in a table.',
  'Why is the sky blue?',
  'What are prime numbers?',
  'Tell me a short story about a fox.',
  'How do vaccines work?',
  'What does git rebase do?',
  'List the planets of the solar system.',
  'Suggest a name for a cat.',
  'What is inflation?',
  'How can I learn a new language?',
  'Write a JavaScript function that adds two numbers.',
  'What is the largest ocean?',
  'Explain gravity to a child.',
  'What is a good gift for a friend?',
  'How do airplanes fly?',
  'Write a limerick.',
  'What is machine learning?',
  'What should I pack for a weekend trip?',
  'Who painted the Mona Lisa?',
  'Convert 10 kilometres to miles.',
  'What is an API?',
  'Describe a sunset.',
  'How do I remove a stain from a shirt?',
  'What is the past tense of "go"?',
  'Explain the difference between TCP and UDP.',
  'Give me a synonym for "happy".',
  'What is a healthy breakfast?',
  'Write a bash command that lists files by size.',
  'What is democracy?',
  'How far is the moon?',
  'What is a unit test?',
  'Write two sentences about autumn.',
  'How do I tie a tie?',
  'What are the primary colours?',
  'Explain what a compiler does.',
  'What is the speed of light?',
  'Give me an idea for a science project.',
  'What is a metaphor?',
  'How do I calm down before a talk?',
  'Write a CSS rule that makes text red.',
  'What is the Great Wall of China?',
  'Why do cats purr?',
  'What does a project manager do?',
  'Complete: Once upon a time',
  'What is the difference between weather and climate?',
  'What is the tallest animal on land?',
  'Explain what a firewall does in a network.',
  'Write a thank-you note to a teacher.',
  'How do I cook rice?',
  'What is the capital of Canada?',
  'Write a Python class for a bank account.',
  'Name four musical instruments with strings.',
  'What is the purpose of a constitution?',
  'How can I save money on groceries?',
  'What is an atom made of?',
  'Describe a busy market.',
  'Write a regular expression that matches a date.',
  'What are the benefits of walking every day?',
  'How does a microwave heat food?',
  'Write a dialogue between two neighbours.',
  'Who was Marie Curie?',
  'What is the square root of 144?',
  'How do I write a good cover letter?',
  'Explain supply and demand.',
  'What do plants need to grow?',
  'Write a short review of a restaurant.',
  'What is Docker used for?',
  'Name three famous bridges.',
  'How do I clean a window?',
  'What is the difference between a virus and a bacterium?',
  'Give me a fun fact about dolphins.',
  'Write a TypeScript interface for a user.',
  'How long does it take to learn the piano?',
  'What is a black hole?',
  'Write a birthday message for a colleague.',
  'How do I change a flat tyre?',
  'What is the meaning of the word serendipity?',
  'Explain how a battery stores energy.',
  'Suggest three books about history.',
  'Write a function in C that computes a factorial.',
  'What is a volcano?',
  'How do I make coffee without a machine?',
  'Who discovered penicillin?',
  'What is the difference between RAM and a hard disk?',
  'Write a slogan for a bakery.',
  'How are rainbows formed?',
  'What is the population of Japan?',
  'Give me an outline for an essay about climate.',
  'Write a loop in Java that prints ten numbers.',
  'What should I do when I have a cold?',
  'Describe the taste of a lemon.',
  'How do I start a vegetable garden?',
  'What is a sonnet?',
  'Explain object-oriented programming.',
  'What are the rules of chess?',
  'Write an apology for being late.',
  'How do earthquakes happen?',
  'Name the months with thirty days.',
  'What is a balanced diet?',
  'Write a headline about a new park.',
  'How do I back up my files?',
  'What is the function of the heart?',
  'Give me a riddle.',
  'What is open source software?',
  'How do I measure the area of a circle?',
  'Write a message that invites friends to dinner.',
  'What are clouds made of?',
  'Explain the water cycle.',
  'What is the best way to study for an exam?',
];
