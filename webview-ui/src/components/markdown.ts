/**
 * Markdown of a model as HTML. The text is hostile: no HTML of its own passes, nothing is loaded, and a link carries its
 * address only as data. The result is still sanitised before it enters the page.
 */
import MarkdownIt from 'markdown-it';
import { highlight } from './highlight.ts';

/** Schemes that a link may have; others stay the text that they are. */
const LINK = /^(?:https?:\/\/|mailto:)/i;

const md = new MarkdownIt({ html: false, linkify: true, breaks: false, typographer: false });
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
md.validateLink = (url) => LINK.test(url.trim());

md.renderer.rules['link_open'] = (tokens, at, options, _env, self) => {
  const token = tokens[at];
  if (!token) return '';
  const href = String(token.attrGet('href') ?? '');
  token.attrs = linkAttributes(href);
  return self.renderToken(tokens, at, options);
};

// A picture would tell its server that this reply was read: it becomes a link with its address.
md.renderer.rules['image'] = (tokens, at) => {
  const token = tokens[at];
  const href = String(token?.attrGet('src') ?? '');
  const label = md.utils.escapeHtml(`Image: ${token?.content === '' ? href : (token?.content ?? '')}`);
  const attributes = linkAttributes(href).map(([name, value]) => `${name}="${md.utils.escapeHtml(value)}"`);
  return `<a ${attributes.join(' ')}>${label}</a>`;
};

md.renderer.rules['fence'] = (tokens, at) => {
  const token = tokens[at];
  const name = (token?.info ?? '').trim().split(/\s+/, 1)[0] ?? '';
  return codeBlock(token?.content ?? '', name);
};
md.renderer.rules['code_block'] = (tokens, at) => codeBlock(tokens[at]?.content ?? '', '');

// The page has its own headings above those of a reply.
for (const rule of ['heading_open', 'heading_close'])
  md.renderer.rules[rule] = (tokens, at, options, _env, self) => {
    const token = tokens[at];
    if (token) token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + 2)}`;
    return self.renderToken(tokens, at, options);
  };

/** HTML of a reply or of a part of it that holds whole blocks. */
export function renderMarkdown(source: string): string {
  return md.render(source);
}

/**
 * Where the last top-level block begins, as an offset into `source`. What stands before it is finished: text that streams
 * in behind can only change the last block.
 */
export function lastBlockStart(source: string): number {
  let line = 0;
  for (const token of md.parse(source, {}))
    if (token.level === 0 && token.nesting >= 0 && token.map) line = token.map[0];
  let offset = 0;
  for (; line > 0; line--) offset = source.indexOf('\n', offset) + 1;
  return offset;
}

/** True when the source defines link targets: then a finished block may mean something else once they are known. */
export function hasReferences(source: string): boolean {
  return /^ {0,3}\[[^\]]+\]:/m.test(source);
}

function linkAttributes(href: string): [string, string][] {
  return [
    ['class', 'link'],
    ['data-href', href],
    ['title', href],
    ['role', 'link'],
    ['tabindex', '0'],
  ];
}

function codeBlock(code: string, name: string): string {
  const coloured = highlight(code, name);
  const body = coloured?.html ?? md.utils.escapeHtml(code);
  const label = md.utils.escapeHtml(coloured?.language ?? (name === '' ? 'Text' : name.slice(0, 30)));
  return `<div class="code"><span class="code-language">${label}</span><pre tabindex="0"><code>${body}</code></pre></div>`;
}
