/**
 * Vocabularies put the one space in front of a word into the word's token: the four spaces of `    return` are three and a
 * ` return`. A prompt that ends with that last space asks for a word that the model has never seen without one, and gets
 * nonsense. So the last space is left out of the prompt and expected from the model.
 */

export interface HealedEnd {
  /** The prefix without the space at its end. */
  readonly prompt: string;
  /** The model's text as it continues the whole prefix; empty when it went on with another word. */
  readonly restore: (text: string) => string;
}

export function healEnd(prefix: string): HealedEnd {
  const prompt = prefix.slice(0, -1);
  // A space alone is no prompt.
  if (!prefix.endsWith(' ') || prompt === '') return { prompt: prefix, restore: (text) => text };
  const restore = (text: string): string => {
    if (text.startsWith(' ')) return text.slice(1);
    // `return ` + `s x` would have been `returns x`: that is not what stands before the cursor.
    return /\w$/.test(prompt) && /^\w/.test(text) ? '' : text;
  };
  return { prompt, restore };
}
