/** Decides whether to ask for ghost text at a cursor, and whether it may be more than the rest of the line. */

export interface CursorContext {
  readonly languageId: string;
  /** Text of the cursor's line on both sides of the cursor. */
  readonly linePrefix: string;
  readonly lineSuffix: string;
  /** The line below, if there is one. */
  readonly nextLine?: string | undefined;
  /** False when the user asked with a command. */
  readonly automatic: boolean;
  readonly multiLine: MultiLine;
}

export type MultiLine = 'auto' | 'never' | 'always';
export type CompletionShape = 'line' | 'block';
export type SkipReason = 'inside_word' | 'text_behind_cursor';
export type Decision =
  { readonly ask: true; readonly shape: CompletionShape } | { readonly ask: false; readonly reason: SkipReason };

/** More than this many characters behind the cursor (closers not counted) and an unasked suggestion would be in the way. */
const MAX_TEXT_BEHIND = 8;

const CLOSERS = /^[\s)\]}>;,:'"`]*$/;
const WORD = /[\p{L}\p{N}_$]/u;

/** Ends of a line after which a body is expected. */
const OPENS_BLOCK = /(?:[{([:]|=>|->|\b(?:do|then|else|try|begin|repeat))\s*$/;

const HASH_COMMENTS = new Set([
  'python',
  'ruby',
  'shellscript',
  'yaml',
  'toml',
  'perl',
  'r',
  'makefile',
  'dockerfile',
  'julia',
]);
const DASH_COMMENTS = new Set(['sql', 'lua', 'haskell', 'ada', 'elm']);
const PROSE = new Set(['markdown', 'plaintext', 'latex', 'restructuredtext', 'asciidoc', 'git-commit', 'scminput']);

export function decide(cursor: CursorContext): Decision {
  const behind = cursor.lineSuffix;
  if (WORD.test(behind.slice(0, 1))) return { ask: false, reason: 'inside_word' };
  const free = CLOSERS.test(behind);
  if (cursor.automatic && !free && behind.trim().length > MAX_TEXT_BEHIND)
    return { ask: false, reason: 'text_behind_cursor' };
  return { ask: true, shape: free ? shapeOf(cursor) : 'line' };
}

function shapeOf(cursor: CursorContext): CompletionShape {
  if (cursor.multiLine !== 'auto') return cursor.multiLine === 'always' ? 'block' : 'line';
  if (PROSE.has(cursor.languageId) || isComment(cursor)) return 'line';
  const before = cursor.linePrefix;
  const next = cursor.nextLine;
  // The body is there already: what is missing is the rest of this line.
  if (next !== undefined && next.trim() !== '' && indentOf(next) > indentOf(before)) return 'line';
  // Between brackets of one line: only braces want a body.
  if (cursor.lineSuffix.trim() !== '') return before.trimEnd().endsWith('{') ? 'block' : 'line';
  if (before.trim() === '') return 'block';
  return OPENS_BLOCK.test(before) ? 'block' : 'line';
}

function isComment({ languageId, linePrefix }: CursorContext): boolean {
  const text = linePrefix.trimStart();
  if (HASH_COMMENTS.has(languageId)) return text.startsWith('#');
  if (DASH_COMMENTS.has(languageId)) return text.startsWith('--');
  return /^(?:\/\/|\/\*|\*(?:\s|$)|<!--)/.test(text);
}

/** Width of a line's leading white space; a tab counts as four columns. */
export function indentOf(line: string): number {
  let columns = 0;
  for (const char of line) {
    if (char === ' ') columns += 1;
    else if (char === '\t') columns += 4;
    else break;
  }
  return columns;
}
