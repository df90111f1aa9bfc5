/** Makes raw model text fit to be shown as ghost text; an empty result means: show nothing. */

export interface TrimContext {
  readonly prefix: string;
  readonly suffix: string;
  readonly shape: 'line' | 'block';
}

/** Overlaps shorter than this are chance, except for a closing bracket or quote. */
const MIN_OVERLAP = 3;
const CLOSERS = /^[)\]}>"'`;,]+$/;

export function trimCompletion(raw: string, context: TrimContext): string {
  let text = raw.replace(/\r\n?/g, '\n');
  if (context.shape === 'line') text = firstLine(text);
  text = context.shape === 'block' ? dropRepeatedLines(cutAtNextLine(text, context.suffix)) : text;
  text = trimSuffixOverlap(text, context.suffix);
  text = text.trimEnd();
  if (text.trim() === '') return '';
  if (repeatsNextLine(text, context)) return '';
  if (repeatsPreviousLine(text, context)) return '';
  return text;
}

function firstLine(text: string): string {
  const newline = text.indexOf('\n');
  return newline === -1 ? text : text.slice(0, newline);
}

/** Ends a block where it starts to write the line that is already there below the cursor. */
function cutAtNextLine(text: string, suffix: string): string {
  const next = nextLine(suffix);
  if (next.trim().length < MIN_OVERLAP) return text;
  const lines = text.split('\n');
  const at = lines.findIndex((line, i) => i > 0 && line.trimEnd() === next.trimEnd());
  return at === -1 ? text : lines.slice(0, at).join('\n');
}

/** Small models loop: the third time the same line comes in a row, the text ends before it came the second time. */
function dropRepeatedLines(text: string): string {
  const lines = text.split('\n');
  for (let i = 2; i < lines.length; i += 1) {
    const line = lines[i]?.trim() ?? '';
    if (line !== '' && line === lines[i - 1]?.trim() && line === lines[i - 2]?.trim())
      return lines.slice(0, i - 1).join('\n');
  }
  return text;
}

/** What follows the cursor on its line is not written twice: `foo(|)` + `a, b)` gives `a, b`. */
function trimSuffixOverlap(text: string, suffix: string): string {
  const rest = firstLine(suffix).trimEnd();
  if (rest.trim() === '') return text;
  const longest = Math.min(text.length, rest.length);
  for (let length = longest; length > 0; length -= 1) {
    const overlap = rest.slice(0, length);
    if (!text.endsWith(overlap)) continue;
    const said = overlap.trim();
    if (CLOSERS.test(said) ? !closesItsOwn(text, said) : said.length >= MIN_OVERLAP) return text.slice(0, -length);
  }
  return text;
}

/** True when the text itself opened what its last closer closes: `bar(x)` keeps its bracket whatever follows the cursor. */
function closesItsOwn(text: string, closers: string): boolean {
  const last = closers.replace(/[;,]+$/, '').at(-1);
  if (last === undefined) return false;
  const opener = OPENER_OF[last];
  if (opener === undefined) return occurrences(text, last) % 2 === 0;
  return occurrences(text, opener) >= occurrences(text, last);
}

const OPENER_OF: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{', '>': '<' };

function occurrences(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** On an empty rest of line, text that only says what stands on the next line already. */
function repeatsNextLine(text: string, context: TrimContext): boolean {
  const own = lastLine(context.prefix).trim();
  const next = nextLine(context.suffix).trim();
  if (next === '') return false;
  const written = firstLine(text).trim();
  return written === next || (own !== '' && own + written === next);
}

/** The whole text is the line before the cursor's line once more. */
function repeatsPreviousLine(text: string, context: TrimContext): boolean {
  const lines = context.prefix.split('\n');
  const own = lines.at(-1)?.trim() ?? '';
  const previous = lines.at(-2)?.trim() ?? '';
  return previous.length >= MIN_OVERLAP && own === '' && text.trim() === previous;
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** The first line below the cursor's own that says something. */
function nextLine(suffix: string): string {
  const newline = suffix.indexOf('\n');
  if (newline === -1) return '';
  return (
    suffix
      .slice(newline + 1)
      .split('\n')
      .find((line) => line.trim() !== '') ?? ''
  );
}
