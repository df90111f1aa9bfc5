/** Whether a card says only what its source says: every name, number and word of weight must occur there. */

/** Words that a card adds by itself. */
const FRAME = new Set(
  `you your yours yourself are is was were be been the and for with that this use uses used prefer over always never called want wants live lives
  decided asked remember name names instead like love enjoy hate dislike can't stand not don't avoid what call whether home town birthday job
  employer allergy birthplace port used allergic write put let every`.split(/\s+/),
);

export function isGrounded(statement: string, source: string): boolean {
  const said = new Set(wordsOf(source));
  const text = flat(source);
  return wordsOf(statement).every(
    (word) => FRAME.has(word) || word.length < 3 || said.has(word) || stemmed(word, said, text),
  );
}

/** Numbers count whatever their length. */
export function numbersOf(text: string): string[] {
  return text.match(/\d+(?:[.,:]\d+)*/g) ?? [];
}

/** Every value must stand in the source as it is, apart from case and spacing. */
export function isQuoted(value: string, source: string): boolean {
  const numbers = new Set(numbersOf(source));
  return flat(source).includes(flat(value)) && numbersOf(value).every((n) => numbers.has(n));
}

function wordsOf(text: string): string[] {
  return flat(text).match(/[\p{L}\p{N}][\p{L}\p{N}'._/-]*[\p{L}\p{N}]|[\p{L}\p{N}]/gu) ?? [];
}

/** "deploys" in the card, "deploying" in the source. Names and numbers get no such grace. */
function stemmed(word: string, said: ReadonlySet<string>, text: string): boolean {
  if (/\d/.test(word)) return text.includes(word);
  const stem = stemOf(word);
  if (stem.length < 3) return false;
  for (const other of said) if (stemOf(other) === stem) return true;
  return false;
}

function stemOf(word: string): string {
  return word.replace(/'s$/, '').replace(/(?:ing|ed|es|s|e)$/, '');
}

function flat(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/[’‘`]/g, "'").replace(/\s+/g, ' ');
}
