/** Cuts the text around the cursor to a budget of the actual model's tokens, at line starts when possible. */

/** Tokens of a piece of plain text in the model's own vocabulary. */
export type CountTokens = (text: string, signal: AbortSignal) => Promise<number>;

export interface CutWindow {
  readonly prefix: string;
  readonly suffix: string;
}

/** Share of the budget that the text before the cursor gets. */
const PREFIX_SHARE = 0.75;
/** More characters than this per token are not worth counting: the text is cut to it first. */
const CHARS_PER_TOKEN = 8;
/**
 * A prefix that is too long loses whole pages of this many characters, counted from its start. So the cut stays where it is
 * while the user types, and the engine's cached prompt stays good until the next page is full.
 */
const PAGE_CHARS = 1024;

/** `budget` counts both sides; what the suffix does not need goes to the prefix, and the other way round. */
export async function cutWindow(
  window: CutWindow,
  budget: number,
  count: CountTokens,
  signal: AbortSignal,
): Promise<CutWindow> {
  const wholeSuffix = headByChars(window.suffix, budget * CHARS_PER_TOKEN);
  const suffixBudget = Math.floor(budget * (1 - PREFIX_SHARE));
  let suffixTokens = await count(wholeSuffix, signal);
  let suffix = wholeSuffix;
  const prefixBudget = budget - Math.min(suffixTokens, suffixBudget);
  const cutPrefix = await fitTail(window.prefix, prefixBudget, count, signal);
  const left = budget - cutPrefix.tokens;
  if (suffixTokens > left) {
    const cut = await fitHead(wholeSuffix, suffixTokens, left, count, signal);
    suffix = cut.text;
    suffixTokens = cut.tokens;
  }
  return { prefix: cutPrefix.text, suffix };
}

interface Fitted {
  readonly text: string;
  readonly tokens: number;
}

/** The longest tail of whole pages within `budget` tokens; less than one page is cut at lines, one line at characters. */
async function fitTail(text: string, budget: number, count: CountTokens, signal: AbortSignal): Promise<Fitted> {
  if (budget <= 0) return { text: '', tokens: 0 };
  const least = text.length - budget * CHARS_PER_TOKEN;
  let from = orCutInside(text, pageStart(text, least), least);
  for (;;) {
    const tail = text.slice(from);
    const tokens = await count(tail, signal);
    if (tokens <= budget) return { text: tail, tokens };
    const excess = Math.max(1, Math.ceil((tail.length * (tokens - budget)) / tokens));
    const next = tail.length > 2 * PAGE_CHARS ? pageStart(text, from + excess) : lineStart(text, from + excess);
    from = orCutInside(text, next, from + excess);
  }
}

/** A line start, or a place inside a line when no other line follows. */
function orCutInside(text: string, start: number, least: number): number {
  return start < text.length ? start : safeCut(text, Math.max(0, least));
}

/** The longest head of whole lines within `budget` tokens. */
async function fitHead(
  text: string,
  textTokens: number,
  budget: number,
  count: CountTokens,
  signal: AbortSignal,
): Promise<Fitted> {
  if (budget <= 0) return { text: '', tokens: 0 };
  let head = text;
  let tokens = textTokens;
  while (tokens > budget) {
    const keep = Math.floor((head.length * budget) / tokens) - 1;
    if (keep <= 0) return { text: '', tokens: 0 };
    head = headByChars(head, keep);
    tokens = await count(head, signal);
  }
  return { text: head, tokens };
}

/** First line start at or after the page border that follows `at`; `at` itself when it is 0. */
function pageStart(text: string, at: number): number {
  if (at <= 0) return 0;
  return lineStart(text, Math.ceil(at / PAGE_CHARS) * PAGE_CHARS);
}

/** First line start at or after `at`; the end of the text when there is none. */
function lineStart(text: string, at: number): number {
  if (at <= 0) return 0;
  const newline = text.indexOf('\n', at - 1);
  return newline === -1 ? text.length : newline + 1;
}

/** Never between the two halves of a character outside the basic plane. */
function safeCut(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : Math.min(at, text.length);
}

/** At most `limit` characters, ending after a line break when there is one in the second half. */
function headByChars(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const newline = text.lastIndexOf('\n', limit - 1);
  if (newline >= limit / 2) return text.slice(0, newline + 1);
  const code = text.charCodeAt(limit - 1);
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? limit - 1 : limit);
}
