/** Turns what users say of themselves into what is said to them: "my manager" becomes "your manager". */

const PAIRS: readonly (readonly [RegExp, string])[] = [
  [/\bI am\b|\bI'm\b/gi, 'you are'],
  [/\bI was\b/gi, 'you were'],
  [/\bI've\b/gi, 'you have'],
  [/\bI'd\b/gi, 'you would'],
  [/\bI'll\b/gi, 'you will'],
  [/\bwe're\b/gi, 'you are'],
  [/\bwe've\b/gi, 'you have'],
  [/\bmyself\b|\bourselves\b/gi, 'yourself'],
  [/\bmine\b|\bours\b/gi, 'yours'],
  [/\bme\b|\bus\b(?!\s*-)/g, 'you'],
  [/\bI\b/g, 'you'],
  [/\bwe\b/gi, 'you'],
];

export function toUser(text: string): string {
  // In one pass: the user's "your answers" are Zell's own.
  const owners = text.replace(/\b(?:my|our|your)\b/gi, (word) => (/^y/i.test(word) ? 'my' : 'your'));
  return PAIRS.reduce((result, [from, to]) => result.replace(from, to), owners);
}

/** "your manager" as the user says it: "my manager". */
export function fromUser(text: string): string {
  return text
    .replace(/\byou are\b/gi, 'I am')
    .replace(/\byour\b/gi, 'my')
    .replace(/\byou\b/gi, 'I');
}

export function sentence(text: string): string {
  const trimmed = text.trim().replace(/[\s.]+$/, '');
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[!?]$/.test(first) ? first : `${first}.`;
}

/** "an" or "a" in front of a value is no part of what an answer must contain. */
export function bare(value: string): string {
  return value.replace(/^(?:an?|the)\s+(?=\S)/i, '');
}
