/** Cuts a person's prose into clauses that each may say one thing, and takes off what people say around it. */

export interface Clause {
  readonly text: string;
  /** The user asked for it to be remembered. */
  readonly explicit: boolean;
  /** It puts something right that was said before ("no, it is …", "actually …"). */
  readonly corrects: boolean;
}

const MAX_CLAUSE = 260;

/** Nothing that is only supposed, reported or asked is a memory. */
const NOT_SAID =
  /^(?:if|suppose|supposing|imagine|assume|assuming|pretend|let's say|say that|what if|unless|whether|for (?:example|instance)|e\.g\.|when(?:ever)? (?:my|our|i|we) |once upon|act as|you are|you're|role-?play|in (?:the|this|my) (?:story|novel|game|scenario|example|book))\b|\b(?:says?|(?<!\bi )said|claims?|claimed|wrote|told me that|according to|pretend|hypothetical(?:ly)?|for the sake of|might be|may be|could be|would be|probably|perhaps|maybe|not sure|i think|i guess|i wish|as if)\b/i;

const EXPLICIT =
  /^(?:(?:please|can you|could you|would you|i(?:'d| would) like you to|i want you to|you should|make sure (?:to|you)|try to|do)[,\s]+)*(?:(?:remember|memori[sz]e|note|keep in mind|bear in mind|don't forget|do not forget|never forget|make a note|take note|save|store)(?:\s+(?:this|down|for (?:me|later|next time|the future)|to self))*(?:\s+that\b|\s*[:,–-]|\s+)|(?:for (?:(?:the|your) )?(?:record|future reference|information|next time|later)|fyi|f\.y\.i\.|just so you know|so you know|note to self|important|good to know|worth knowing)\b[\s,:–-]*(?:that\s+)?)/i;

const FILLER =
  /^(?:(?:hi|hello|hey|yo|good (?:morning|afternoon|evening))(?:\s+(?:there|zell|everyone|again))?\s*[,!.–-]+|(?:ok(?:ay)?|so|well|oh|ah|and|but|also|anyway|anyways|plus|thanks|thank you|great|cool|right|sure|yes|yeah|yep|perfect|nice)\s*[,!.–-]+|(?:and|but|also|plus|because|since|oh|so|now|now that|given that|seeing (?:as|that))\s+(?=(?:my|our|we|i|the|i'm|we're)\b)|(?:from (?:now|today|tomorrow|next \w+) on(?:wards)?|(?:starting|effective|beginning|as of|as from)(?: from)? (?:now|today|tomorrow|immediately|(?:next|this|last) \w+|\w+day)|until recently)\s*,?\s+(?=(?:my|our|the|i live|i work|i report|we use)\b)|(?:by the way|btw|quick (?:note|heads[- ]up|context|update)|heads[- ]up|one (?:more|other) thing|another thing|some context|for context|context|background|a bit about me|about me|(?:please )?update|small update|reminder|as a reminder|fun fact|unrelated|side note|on another note|while i'm at it|before (?:we|i) (?:start|begin)|as you (?:may )?know|as i said|as mentioned|like i said|in case (?:it helps|you need it|that helps|it matters)|you should know(?: that)?|i should (?:mention|say|add)(?: that)?|i(?:'d| would)? (?:just )?want(?:ed)? to (?:mention|say|add)(?: that)?|let me (?:mention|add|tell you)(?: that)?|it turns out(?: that)?|turns out|the thing is|the good news is|at (?:work|home|my job|our company),?|these days|nowadays|currently|right now|at the moment|personally|in general|generally|today|honestly|to be clear|as of (?:today|now|this \w+|last \w+|\w+day)|since (?:last|this) \w+)\s*[,:–-]*\s+)/i;

const CORRECTION =
  /^(?:(?:no|nope|nah|sorry|oops|wait|hm+|ah|oh|my bad|my mistake|apologies)(?:\s*[,!.:–-]+\s*|$)|(?:actually|(?:small |quick |minor |one )?correction|(?:a )?typo(?: on my side| of mine| there)?|i (?:got|had|mixed) (?:that|it|this|those|them)(?: (?:wrong|up|backwards|mixed up))(?: (?:earlier|before|there))?|to correct (?:that|myself)|(?:please )?forget (?:what i (?:said|told you)|that)(?= about)|i (?:was wrong|misspoke|made a mistake)(?: earlier| before| there| about that)?|scratch that|i take that back|that(?:'s| is| was) (?:wrong|not right|outdated|incorrect|no longer (?:true|right|correct|the case))|that (?:has )?changed|things (?:have )?changed)\s*[,.:;–-]*\s*)+(?:(?:but|so)\s+)?/i;

/** Where one sentence says two things. */
const JOINT = new RegExp(
  [
    String.raw`(?<=\b(?:about|on|regarding|concerning) (?:my|our|the) [\wÀ-ɏ' -]{2,60})[:.]\s+`,
    String.raw`(?<=\bchanged):\s+`,
    // "I changed jobs: I work at …", "…, now it is"
    String.raw`:\s+(?=(?:it|he|she|they)(?:'s|'re| is| are)\b|i (?:now )?(?:work|live|report)\b)`,
    String.raw`,\s+(?=now (?:it|he|she|they|i|we|my|our)\b)`,
    String.raw`\s*[;–—]\s+|\s+-\s+`,
    String.raw`,?\s+(?:and|but|while|whereas)\s+(?=(?:my|our|we|i|i'm|i've|we're|we've|the|please|it's|call)\b)`,
    String.raw`,?\s+but\s+(?=(?:now|it is|he is|she is|they are)\b)`,
    String.raw`,\s+(?=it's\s|it is\s|now it|(?:my|our|we|i|i'm|i've|we're|please(?!,?\s+(?:never|always)\b)|call me|not the other)\b)`,
    String.raw`,?\s+and\s+(?=[\wÀ-ɏ' -]{3,40}\s(?:is|are)\s+(?:now\s+)?(?:my|our)\b)`,
    // What is told inside of a question.
    String.raw`\s+(?=now that (?:my|our|we|i|the)\b)`,
    String.raw`,\s+(?=(?:how|what|whom?|why|can|could|should|would|do|does)\b[^,]*\?$)`,
  ].join('|'),
  'i',
);

/** "Is my manager Tom now?" is a doubt, although it names somebody. */
const DOUBT = /^(?:is|are|was|were)\s+(?:my|our|the)\b[^,]*\b(?:now|instead|still|again|already|or)\b[^,]*\?$/i;

/** Sentences that state or ask for something real, questions among them: in passing they may say more. */
export function plainSentences(prose: string): string[] {
  return sentencesOf(prose).filter(
    (sentence) => sentence.length <= 2 * MAX_CLAUSE && !NOT_SAID.test(sentence) && !DOUBT.test(sentence),
  );
}

export function clausesOf(prose: string): Clause[] {
  const clauses: Clause[] = [];
  for (const sentence of sentencesOf(prose)) {
    // "Can you remember that …?" is no question.
    const asks =
      sentence.endsWith('?') &&
      !EXPLICIT.test(sentence.replace(FILLER, '')) &&
      !/,|\band\b|\bnow that\b/i.test(sentence);
    if (asks || sentence.length > 2 * MAX_CLAUSE || NOT_SAID.test(sentence)) continue;
    let explicit = false;
    let corrects = false;
    for (const part of sentence.split(JOINT)) {
      const clause = peel(part);
      // What is to be remembered, or put right, may be said in several clauses.
      explicit ||= clause.explicit;
      corrects ||= clause.corrects;
      if (clause.text.length < 4 || clause.text.length > MAX_CLAUSE || NOT_SAID.test(clause.text)) continue;
      // The last part of a question is the question.
      if (part.trim().endsWith('?') && !explicit && !part.includes(',') && !/^now that\b/i.test(part)) continue;
      clauses.push({ text: clause.text, explicit, corrects });
    }
  }
  return clauses;
}

function sentencesOf(prose: string): string[] {
  const sentences: string[] = [];
  for (const paragraph of prose.replace(/[’‘]/g, "'").split(/\n+/)) {
    const line = paragraph.replace(/^\s*(?:[-*•+]|\d+[.)])\s+/, '').replace(/\*\*|__/g, '');
    // A full stop inside a name, a version or an address is not followed by a space; one behind an abbreviation is.
    for (const piece of line.split(
      /(?<=[.!?])(?<!\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|e\.g|i\.e|No|approx)\.)\s+(?=["'(]?[A-Za-z0-9])/,
    ))
      if (piece.trim() !== '') sentences.push(piece.trim());
  }
  return sentences;
}

function peel(part: string): Clause {
  let text = part.trim();
  let explicit = false;
  let corrects = false;
  for (let before = ''; before !== text;) {
    before = text;
    text = text.replace(FILLER, '').trimStart();
    const correction = CORRECTION.exec(text);
    if (correction !== null && correction[0] !== '') {
      corrects = true;
      text = text.slice(correction[0].length);
    }
    const asked = EXPLICIT.exec(text);
    if (asked !== null) {
      explicit = true;
      text = text.slice(asked[0].length);
    }
  }
  text = text
    .replace(/[\s.!?,;:]+$/, '')
    .replace(
      /,?\s+(?:by the way|btw|fyi|from (?:today|tomorrow|now) on|as of (?:today|tomorrow|now)|since (?:last|this) \w+|these days|now|please|thanks|thank you|just so you know|okay|ok|right|if that helps|in case it helps|actually|as i (?:told|said to) you(?: before| earlier)?|as i said(?: before| earlier)?|(?:please )?(?:remember|note|keep|stick to) (?:that|this|it|in mind)|nice to meet you.*|pleased to meet you.*)$/i,
      '',
    );
  return { text, explicit, corrects };
}
