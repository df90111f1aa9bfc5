/** How texts become search terms: folded, without accents and function words, cut to their stems. */

/** Function words, which fit everything. */
const STOP = new Set(
  `a about above after again all also always am an and any are as at be because been before being but by can could did do does doing done for
  from had has have he her here hers him his how i if in into is it its just know like me more most my need no not now of off on once only or
  other our out over own please same she should so some such tell than that the their them then there these they this those through to too
  under until up us use used uses using very want was we were what when where which while who whom why will with would write you your make
  give show name called remember said say told does get work`.split(/\s+/),
);

export function splitWords(text: string): string[] {
  return text.normalize('NFKC').match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/** Undefined for a word that says nothing. */
export function termOf(word: string): string | undefined {
  const plain = word
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();
  if (plain.length < 2 || STOP.has(plain)) return undefined;
  return plain.replace(/(?:ing|ies|es|s|ed)$/, '') || plain;
}
