/**
 * What in a user's message the user wrote: without code blocks, attached files, tags that tools wrap around their own text, quoted
 * lines and pasted output. When in doubt a text is left out: a memory that is missing can be told again, a planted one does harm.
 */

/** Longest message that is looked at, characters; people do not type more. */
const MAX_CHARS = 20_000;

/** A raw prompt of a program, with turns of its own: nobody can tell who wrote what. */
const TRANSCRIPT =
  /<\|[\w/ ]{1,40}\|>|\[\/?INST\]|<<\/?SYS>>|<\/?s>|<(?:start|end)_of_turn>|^\s*#{2,}\s*(?:system|instructions?|assistant|response|human|user|input)\b|^\s*(?:\*\*)?(?:system|assistant|tool|function|ai|bot|human|chatgpt|claude)(?:\*\*)?\s*:/im;

/** Announces a paste: what follows is somebody else's. */
const PASTE =
  /^(?!.*\b(?:remember|note|keep in mind|prefer|about me|know)\b).*\b(?:file|files|code|output|logs?|errors?|messages?|e-?mails?|says?|said|wrote|writes|pasted?|results?|contents?|response|article|text|following|snippet|transcript|readme|docs?|documentation|page|issue|ticket|diff|trace|stack ?trace|document|summar\w+|translate\w*|proofread|review|rewrite)\b[^.?!]*:\s*$/i;

/** Marks where the log cut a secret out. */
const SECRET = /⟨secret:/;

/** Between quotation marks stands what somebody else wrote, unless it is a mere name. */
const QUOTED = /"[^"\n]*(?:\s[^"\n]+){3,}"|“[^”\n]*(?:\s[^”\n]+){3,}”|„[^“”\n]*(?:\s[^“”\n]+){3,}[“”]/g;

/** A line that no one types as a sentence: prompts of a shell, log lines, diffs, tables, code. */
const NOT_PROSE =
  /^(?:\s{4,}\S|\t|\s*(?:>|\||\$ |# |\/\/|\/\*|\*\/|@@|\+\+\+|---|diff |import |export |const |let |var |def |class |function |return |\}|\{|<\/?\w))|^\s*\[?(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|INFO|WARN|ERROR|DEBUG|TRACE)\b|^[^.!?]*[;{}]\s*$|^\s*\S+\(.*\)\s*$/;

/** @returns the lines that remain, as paragraphs; empty when nothing may be used */
export function ownWords(message: string): string {
  if (message.length > MAX_CHARS || TRANSCRIPT.test(message)) return '';
  const lines: string[] = [];
  for (const line of withoutTags(withoutFences(message)).replace(QUOTED, '⟨quote⟩').split('\n')) {
    if (PASTE.test(line)) break;
    if (NOT_PROSE.test(line) || SECRET.test(line)) lines.push('');
    else lines.push(line);
  }
  return lines.join('\n').trim();
}

/** From the first fence to the last: a quoted file may hold fences of its own, and what stands between them is not the user's. */
function withoutFences(text: string): string {
  const fences = [...text.matchAll(/^[ \t]*(?:`{3,}|~{3,}).*$/gm)];
  const first = fences[0];
  if (first === undefined) return text;
  const last = fences.at(-1);
  const end = fences.length === 1 || last === undefined ? text.length : last.index + last[0].length;
  return `${text.slice(0, first.index)}\n\n${text.slice(end)}`;
}

/** From the first opening tag to the last closing one of the same name, and to the end when it is never closed. */
function withoutTags(text: string): string {
  let rest = text;
  for (;;) {
    const open = /<([a-zA-Z][\w:-]{0,60})(?:\s[^<>]*)?>/.exec(rest);
    if (open === null) return rest;
    const close = rest.toLowerCase().lastIndexOf(`</${(open[1] ?? '').toLowerCase()}>`);
    const end = close < open.index ? rest.length : rest.indexOf('>', close) + 1;
    rest = `${rest.slice(0, open.index)}\n\n${rest.slice(end)}`;
  }
}
