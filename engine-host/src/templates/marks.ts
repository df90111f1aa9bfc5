/**
 * Keeps what users, tools and files wrote apart from what the template wrote. Each content is wrapped in two marks that nobody can
 * guess, the template is rendered, and the text is cut at the marks. So `<|im_end|>` in a message stays text.
 *
 * Marks sit inside a content's outer white space, so that `content | trim` does what it did. A template that takes only a piece of a
 * content (`content.split('</think>')[-1]`) loses one of the two marks; the piece is then found from the other one.
 */
import type { PromptPart } from '#protocol/engine.ts';

// Private-use characters only: templates that change case, quote or escape leave them alone.
const START = 0xe000;
const OPEN = '\u{e001}';
const CLOSE = '\u{e002}';
const END = '\u{e003}';
const DIGIT = 0xe010;

export interface Marks {
  readonly nonce: string;
  /** The text behind each pair of marks. */
  readonly contents: string[];
}

export function createMarks(nonce: string): Marks {
  return { nonce: String.fromCharCode(START) + digits(nonce), contents: [] };
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
  return text.slice(0, at) + wrap(marks, core) + text.slice(at + core.length);
}

/**
 * What a vocabulary may hold as control tokens: `<|…|>`, `<…>`, `</s>`, `[INST]`, and the model's own BOS and EOS. Wide on purpose:
 * a text that is cut out for nothing is tokenised as text, which it is.
 */
const CONTROL = /<[|｜]?[^<>\s]{1,64}>|<｜[^｜]{1,64}｜>|\[\/?[A-Za-z][A-Za-z_]{1,30}\]/gu;
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

/** The rendered text without its marks. */
export function unmark(marks: Marks, rendered: string): string {
  return rendered.replace(pattern(marks), '');
}

/** Cuts a rendered text at its marks. Adjacent parts of one kind are one part. */
export function split(marks: Marks, rendered: string): PromptPart[] {
  const parts: { text: string; special: boolean }[] = [];
  const add = (text: string, special: boolean): void => {
    const last = parts.at(-1);
    if (text === '') return;
    if (last?.special === special) last.text += text;
    else parts.push({ text, special });
  };
  let left: Found | undefined;
  let from = 0;
  for (const right of find(marks, rendered)) {
    cut(marks, rendered.slice(from, right.at), left, right, add);
    left = right;
    from = right.at + right.length;
  }
  cut(marks, rendered.slice(from), left, undefined, add);
  return parts;
}

interface Found {
  readonly at: number;
  readonly length: number;
  readonly open: boolean;
  readonly index: number;
}

function cut(
  marks: Marks,
  text: string,
  left: Found | undefined,
  right: Found | undefined,
  add: (text: string, special: boolean) => void,
): void {
  const opens = left?.open === true ? marks.contents[left.index] : undefined;
  const closes = right !== undefined && !right.open ? marks.contents[right.index] : undefined;
  if (opens !== undefined && closes !== undefined && left?.index === right?.index) {
    add(text, false);
    return;
  }
  // White space at the cut edge could be the template's just as well, and is harmless there.
  const head = opens === undefined ? 0 : text.slice(0, commonPrefix(text, opens)).trimEnd().length;
  const rest = text.slice(head);
  const tail = closes === undefined ? 0 : rest.slice(rest.length - commonSuffix(rest, closes)).trimStart().length;
  add(text.slice(0, head), false);
  add(text.slice(head, text.length - tail), true);
  add(text.slice(text.length - tail), false);
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

function wrap(marks: Marks, text: string): string {
  const index = digits((marks.contents.push(text) - 1).toString(16));
  return `${marks.nonce}${OPEN}${index}${END}${text}${marks.nonce}${CLOSE}${index}${END}`;
}

function digits(hex: string): string {
  return Array.from(hex, (c) => String.fromCharCode(DIGIT + Number.parseInt(c, 16))).join('');
}
