/**
 * Vocabularies put the space in front of a word into the word's token, so a prompt that ends with a space asks for a word that
 * the model has never seen without one, and gets nonsense. The spaces are left out of the prompt and expected from the model.
 */

export interface HealedEnd {
  /** The prefix without the spaces at its end. */
  readonly prompt: string;
  /** The model's text as it continues the whole prefix; empty when it went on with another word. */
  readonly restore: (text: string) => string;
}

export function healEnd(prefix: string): HealedEnd {
  const spaces = /[ \t]+$/.exec(prefix)?.[0] ?? '';
  const prompt = prefix.slice(0, prefix.length - spaces.length);
  // Spaces alone are no prompt.
  if (spaces === '' || prompt === '') return { prompt: prefix, restore: (text) => text };
  const restore = (text: string): string => {
    if (text.startsWith(spaces)) return text.slice(spaces.length);
    const bare = text.replace(/^[ \t]+/, '');
    // `return ` + `s x` would have been `returns x`: that is not what stands before the cursor.
    if (bare === text && /\w$/.test(prompt) && /^\w/.test(text)) return '';
    return bare;
  };
  return { prompt, restore };
}
