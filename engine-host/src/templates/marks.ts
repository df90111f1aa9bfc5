/**
 * Keeps what users, tools and files wrote apart from what the template wrote. Each content is wrapped in two marks that nobody can
 * guess, the template is rendered, and the text is cut at the marks. So `<|im_end|>` in a message stays text.
 *
 * Marks sit inside a content's outer white space, so that `content | trim` does what it did. A template that takes only a piece of a
 * content (`content.split('</think>')[-1]`) loses one of the two marks; the piece is then found from the other one.
 */
import type { PromptPart } from '#protocol/generation.ts';

// Private-use characters only: templates that change case, quote or escape leave them alone.
const START = 0xe000;
const OPEN = '\u{e001}';
const CLOSE = '\u{e002}';
const END = '\u{e003}';
const DIGIT = 0xe010;

export interface Marks {
  readonly nonce: string;
  /** The text between each pair of marks, and the white space around it that stayed outside. */
  readonly contents: { readonly text: string; readonly before: string; readonly after: string }[];
  /** What became of a text within tools and calls: equal ones stay equal, since templates compare them. */
  readonly alike: Map<string, string>;
}

export function createMarks(nonce: string): Marks {
  return { nonce: String.fromCharCode(START) + digits(nonce), contents: [], alike: new Map() };
}

/** True if a text holds this nonce already (then take another one). */
export function collides(marks: Marks, text: string): boolean {
  return text.includes(marks.nonce);
}

/** `text` with marks around what is between its outer white space; white space alone stays as it is. */
export function mark(marks: Marks, text: string): string {
  const core = text.trim();
  if (core === '') return text;
  const at = text.indexOf(core);
  const before = text.slice(0, at);
  const after = text.slice(at + core.length);
  return before + wrap(marks, core, before, after) + after;
}

/**
 * What a vocabulary may hold as control tokens: `<|…|>`, `<…>`, `</s>`, `[INST]`, and the model's own BOS and EOS. Wide on purpose:
 * a text that is cut out for nothing is tokenised as text, which it is.
 */
const CONTROL =
  /<[|｜]?[^<>\s]{1,64}>|<｜[^｜]{1,64}｜>|\[\/?[A-Za-z][A-Za-z_]{1,30}\]|\]~!?[a-z]{0,8}[\][]|\[e~\[|\]<\][a-z]{1,16}\[>\[/gu;
/** What assistants write themselves and templates look for. */
const THINKING = /^<\/?think(?:ing)?>$/;

/** `text` with marks only around what could be a control token. */
export function markControls(marks: Marks, text: string, extra: readonly string[], keepThinking: boolean): string {
  const cut = (source: string) =>
    source.replace(CONTROL, (found) => (keepThinking && THINKING.test(found) ? found : wrap(marks, found)));
  let pieces: { text: string; done: boolean }[] = [{ text, done: false }];
  for (const token of extra.filter((t) => t.trim() !== ''))
    pieces = pieces.flatMap((piece) =>
      piece.done
        ? [piece]
        : piece.text.split(token).flatMap((t, i) =>
            i === 0
              ? [{ text: t, done: false }]
              : [
                  { text: wrap(marks, token), done: true },
                  { text: t, done: false },
                ],
          ),
    );
  return pieces.map((piece) => (piece.done ? piece.text : cut(piece.text))).join('');
}

/**
 * A copy of tools or calls in which what could be a control token is marked, in keys as well. All else stays as it is, so that it is
 * tokenised as the model learnt it.
 */
export function markDeep<T>(marks: Marks, value: T, extra: readonly string[]): T {
  const text = (from: string): string => {
    const known = marks.alike.get(from);
    if (known !== undefined) return known;
    const marked = markControls(marks, from, extra, false);
    marks.alike.set(from, marked);
    return marked;
  };
  const copy = (from: unknown): unknown => {
    if (typeof from === 'string') return text(from);
    if (Array.isArray(from)) return from.map(copy);
    if (typeof from !== 'object' || from === null) return from;
    return Object.fromEntries(Object.entries(from).map(([key, inner]) => [text(key), copy(inner)]));
  };
  return copy(value) as T;
}

/** The rendered text without its marks. */
export function unmark(marks: Marks, rendered: string): string {
  return rendered.replace(pattern(marks), '');
}

/** Cuts a rendered text at its marks. Adjacent parts of one kind are one part. */
export function split(marks: Marks, rendered: string): PromptPart[] {
  const pieces: Piece[] = [];
  let left: Found | undefined;
  let from = 0;
  for (const right of find(marks, rendered)) {
    pieces.push(...cut(marks, rendered.slice(from, right.at), left, right));
    left = right;
    from = right.at + right.length;
  }
  pieces.push(...cut(marks, rendered.slice(from), left, undefined));
  takeWhiteSpace(pieces);
  const parts: { text: string; special: boolean }[] = [];
  for (const { text, special } of pieces) {
    const last = parts.at(-1);
    if (text === '') continue;
    if (last?.special === special) last.text += text;
    else parts.push({ text, special });
  }
  return parts;
}

interface Piece {
  text: string;
  readonly special: boolean;
  /** The content that this is, when it is a whole one. */
  readonly content?: Marks['contents'][number];
}

interface Found {
  readonly at: number;
  readonly length: number;
  readonly open: boolean;
  readonly index: number;
}

/** What lies between two marks (or an end of the text). */
function cut(marks: Marks, text: string, left: Found | undefined, right: Found | undefined): Piece[] {
  const opens = left?.open === true ? marks.contents[left.index] : undefined;
  const closes = right !== undefined && !right.open ? marks.contents[right.index] : undefined;
  if (opens !== undefined && closes !== undefined && left?.index === right?.index)
    return [{ text, special: false, content: opens }];
  // White space at the cut edge could be the template's just as well, and is harmless there.
  const head = opens === undefined ? 0 : text.slice(0, commonPrefix(text, opens.text)).trimEnd().length;
  const rest = text.slice(head);
  const tail = closes === undefined ? 0 : rest.slice(rest.length - commonSuffix(rest, closes.text)).trimStart().length;
  return [
    { text: text.slice(0, head), special: false },
    { text: text.slice(head, text.length - tail), special: true },
    { text: text.slice(text.length - tail), special: false },
  ].filter((piece) => piece.text !== '');
}

/** Gives contents their outer white space back where the template left it: a token may span it and the text. */
function takeWhiteSpace(pieces: readonly Piece[]): void {
  for (const [i, piece] of pieces.entries()) {
    if (piece.content === undefined) continue;
    const { before, after } = piece.content;
    const previous = pieces[i - 1];
    const next = pieces[i + 1];
    if (previous?.special === true && before !== '' && previous.text.endsWith(before)) {
      previous.text = previous.text.slice(0, -before.length);
      piece.text = before + piece.text;
    }
    if (next?.special === true && after !== '' && next.text.startsWith(after)) {
      next.text = next.text.slice(after.length);
      piece.text += after;
    }
  }
}

function commonPrefix(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}

function commonSuffix(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a[a.length - 1 - n] === b[b.length - 1 - n]) n++;
  return n;
}

function* find(marks: Marks, rendered: string): Generator<Found> {
  for (const match of rendered.matchAll(pattern(marks))) {
    const index = Number.parseInt(
      Array.from(match[2] ?? '', (c) => (c.charCodeAt(0) - DIGIT).toString(16)).join(''),
      16,
    );
    yield { at: match.index, length: match[0].length, open: match[1] === OPEN, index };
  }
}

function pattern(marks: Marks): RegExp {
  return new RegExp(`${marks.nonce}([${OPEN}${CLOSE}])([\u{e010}-\u{e01f}]+)${END}`, 'g');
}

function wrap(marks: Marks, text: string, before = '', after = ''): string {
  const index = digits((marks.contents.push({ text, before, after }) - 1).toString(16));
  return `${marks.nonce}${OPEN}${index}${END}${text}${marks.nonce}${CLOSE}${index}${END}`;
}

function digits(hex: string): string {
  return Array.from(hex, (c) => String.fromCharCode(DIGIT + Number.parseInt(c, 16))).join('');
}
