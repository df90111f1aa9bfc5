/** Cuts the text around the cursor down to what a completion request carries; the host cuts it again by the model's tokens. */

export interface WindowLimits {
  /** Most bytes of UTF-8 before the cursor; the protocol allows 65,536. */
  readonly prefixBytes: number;
  readonly suffixBytes: number;
}

/** About 8k tokens before and 2.7k behind the cursor: more than any budget that the host plans for. */
export const DEFAULT_WINDOW: WindowLimits = { prefixBytes: 24 * 1024, suffixBytes: 8 * 1024 };

export interface Window {
  readonly prefix: string;
  readonly suffix: string;
}

/**
 * The end of `before` and the start of `after` within the limits. Whole lines are kept where at least one line fits, so
 * that the window slides by lines and the prompt cache keeps its prefix. Never half a surrogate pair.
 */
export function cutWindow(before: string, after: string, limits: WindowLimits): Window {
  return { prefix: cutFront(before, limits.prefixBytes), suffix: cutBack(after, limits.suffixBytes) };
}

function cutFront(text: string, limit: number): string {
  let start = text.length;
  let bytes = 0;
  while (start > 0) {
    const width = isLowSurrogate(text, start - 1) && isHighSurrogate(text, start - 2) ? 2 : 1;
    bytes += width === 2 ? 4 : utf8Length(text.charCodeAt(start - 1));
    if (bytes > limit) break;
    start -= width;
  }
  if (start === 0) return text;
  const lineBreak = text.indexOf('\n', start - 1);
  return text.slice(lineBreak === -1 ? start : lineBreak + 1);
}

function cutBack(text: string, limit: number): string {
  let end = 0;
  let bytes = 0;
  while (end < text.length) {
    const width = isHighSurrogate(text, end) && isLowSurrogate(text, end + 1) ? 2 : 1;
    bytes += width === 2 ? 4 : utf8Length(text.charCodeAt(end));
    if (bytes > limit) break;
    end += width;
  }
  if (end === text.length) return text;
  const lineBreak = text.slice(0, end).lastIndexOf('\n');
  return text.slice(0, lineBreak === -1 ? end : lineBreak + 1);
}

function utf8Length(unit: number): number {
  return unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
}

function isHighSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}
