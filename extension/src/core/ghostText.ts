/** Makes what a model answered fit the place: no control tokens, no repetition of what stands there, no more than one block. */
import { indentOf, type CompletionShape } from './completionPolicy.ts';

export interface Place {
  readonly shape: CompletionShape;
  /** Text before and behind the cursor, as the model saw it. */
  readonly prefix: string;
  readonly suffix: string;
}

/** Texts of control tokens that small models spell out, and code fences of chatty ones. */
const CONTROL = /<\|[^|<>\n]{1,40}\|>|<\/?s>|<(?:EOT|PRE|SUF|MID|fim_\w+|file_sep)>|^```[^\n]*$/m;
const ONLY_CLOSERS = /^\s*[)\]};,]+\s*$/;

/** The text to show, or undefined when nothing is left that is worth showing. */
export function tidyGhostText(answer: string, place: Place): string | undefined {
  let text = answer.replace(/\r\n?/g, '\n');
  const control = CONTROL.exec(text);
  if (control) text = text.slice(0, control.index);
  text = withoutDoubledIndent(text, place.prefix);
  text = place.shape === 'line' ? firstLine(text, place) : oneBlock(text, place);
  text = withoutRepeats(text);
  text = withoutSuffix(text, place.suffix);
  // A body inside `{}` of one line keeps the line break before the brace that stands behind the cursor.
  if (!text.includes('\n') || restOfLine(place.suffix) === '') text = text.trimEnd();
  if (text.trim() === '') return undefined;
  return repeatsNeighbour(text, place) ? undefined : text;
}

/**
 * The editor has indented the line already, but words carry their space with them in most vocabularies, so that the answer
 * begins with one space too many; other models repeat the whole indentation. Both are dropped.
 */
function withoutDoubledIndent(text: string, prefix: string): string {
  const indent = prefix.slice(prefix.lastIndexOf('\n') + 1);
  if (indent === '' || indent.trim() !== '') return text;
  if (text.startsWith(indent)) return text.slice(indent.length);
  return /^ (?=\S)/.test(text) ? text.slice(1) : text;
}

function firstLine(text: string, { prefix }: Place): string {
  // On an empty line a model may start with the line break that it would have written.
  const onEmptyLine = prefix.slice(prefix.lastIndexOf('\n') + 1).trim() === '';
  const body = onEmptyLine ? text.replace(/^\n+/, '') : text;
  const end = body.indexOf('\n');
  return end === -1 ? body : body.slice(0, end);
}

/** Keeps lines while they belong to the block that the cursor stands in; a closing bracket one level out still does. */
function oneBlock(text: string, { prefix, suffix }: Place): string {
  const current = prefix.slice(prefix.lastIndexOf('\n') + 1);
  const level = indentOf(current);
  const lines = text.split('\n');
  const kept = [lines[0] ?? ''];
  for (const line of lines.slice(1)) {
    if (line.trim() === '') {
      if (kept.at(-1)?.trim() === '' && kept.length > 1) break;
      kept.push(line);
      continue;
    }
    const indent = indentOf(line);
    if (indent < level) {
      if (ONLY_CLOSERS.test(line) && !suffix.trimStart().startsWith(line.trim())) kept.push(line);
      break;
    }
    // Back on the level of the line that opened the block: only its end belongs to it.
    if (indent === level && current.trim() !== '') {
      if (ONLY_CLOSERS.test(line)) {
        kept.push(line);
        break;
      }
      if (!/^\s*(?:[)\]}]|else\b|elif\b|except\b|catch\b|finally\b)/.test(line)) break;
    }
    kept.push(line);
  }
  return kept.join('\n');
}

/** A small model that loops says the same line again and again: once is enough. */
function withoutRepeats(text: string): string {
  const lines = text.split('\n');
  const kept: string[] = [];
  for (const line of lines) {
    const key = line.trim();
    if (key.length > 3 && kept.length > 0 && kept.at(-1)?.trim() === key) break;
    kept.push(line);
  }
  return kept.join('\n');
}

/** Drops an end that stands behind the cursor already: a closing bracket, or whole lines. */
function withoutSuffix(text: string, suffix: string): string {
  const trimmed = text.trimEnd();
  const rest = restOfLine(suffix);
  if (rest !== '' && trimmed.endsWith(rest)) return trimmed.slice(0, -rest.length);
  const following = suffix
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const lines = text.split('\n');
  for (let from = 1; from < lines.length; from++) {
    const tail = lines
      .slice(from)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (tail.length > 0 && tail.every((line, i) => line === following[i])) return lines.slice(0, from).join('\n');
  }
  return text;
}

function restOfLine(suffix: string): string {
  return (suffix.split('\n', 1)[0] ?? '').trim();
}

function repeatsNeighbour(text: string, { prefix, suffix }: Place): boolean {
  const shown = text.trim();
  if (shown.length < 4) return false;
  const lines = prefix.split('\n');
  const current = lines.at(-1) ?? '';
  const line = (current + text).trim();
  const above = lines
    .slice(0, -1)
    .findLast((candidate) => candidate.trim() !== '')
    ?.trim();
  const below = suffix
    .split('\n')
    .slice(1)
    .find((candidate) => candidate.trim() !== '')
    ?.trim();
  return line === above || line === below || shown === below;
}
