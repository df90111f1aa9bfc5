/** Finds secrets in a text: the rules of secretlint, a few of our own, and a generic rule by keyword and entropy. */
import { lintSource } from '@secretlint/core';
import { secretLintProfiler } from '@secretlint/profiler';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';

export interface FoundSecret {
  /** Short kind, `aws`, `github`, `private-key`, `generic` … */
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

const OWN_RULES: readonly { readonly kind: string; readonly pattern: RegExp; readonly group: number }[] = [
  {
    kind: 'private-key',
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    group: 0,
  },
  { kind: 'aws', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, group: 0 },
  { kind: 'hugging-face', pattern: /\bhf_[A-Za-z0-9]{30,}/g, group: 0 },
  { kind: 'stripe', pattern: /\b[spr]k_(?:live|test)_[A-Za-z0-9]{16,}/g, group: 0 },
  { kind: 'google', pattern: /\bAIza[\w-]{30,}/g, group: 0 },
  {
    kind: 'webhook',
    pattern:
      /https:\/\/(?:(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks|hooks\.slack\.com\/\w+|\w+\.webhook\.office\.com)\/\S+/g,
    group: 0,
  },
  { kind: 'jwt', pattern: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g, group: 0 },
  { kind: 'bearer', pattern: /\bbearer\s+([\w.~+/-]{20,}=*)/gi, group: 1 },
  { kind: 'url-password', pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:([^\s:/@]{3,})@/gi, group: 1 },
];

/** `password = …`, `"api_key": "…"`, `TOKEN=…`: the value behind a telling name. */
const NAMED_VALUE =
  /(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|auth|credential|private[_-]?key)[\w-]*["'`]?\s*(?:[:=]|=>|:=)\s*["'`]?([^\s"'`,;(){}[\]]{8,200})(?![\w(])/gi;
/** "my password is …", "the PIN for the door is …", as people say it. */
const SPOKEN =
  /\b(?:pass(?:word|phrase|code|wd)|pin(?: code)?|api[ -]?key|access[ -]?key|secret(?: key)?|(?:auth|access|bot|api|deploy|refresh) token|licen[cs]e key|recovery code|cvv|login code)s?\b(?: (?:for|of|to|on) [^\n.:;?!]{1,60}?)?\s+(?:is|was|are|will be|now is|is now|has been changed to|changed to|=)\s+(?:now |set to |still )?["'“`]?([^\s"'”`,;]{4,200})/gi;
const MIN_ENTROPY = 3;
/** What stands behind such names in ordinary code. */
const ORDINARY =
  /^(?:process\.env|os\.environ|getenv|import\.meta|config|settings|options|this|self|string|undefined|null|true|false|function|await|new|return|\$\{|\$\(|<|\*+$|x{4,}$|\.{3})/i;

// It would keep the marks of every text for ever, and search all of them at each new one.
secretLintProfiler.mark = () => undefined;

const RULE = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] };

/** Secrets in rising order without overlaps. @throws when a detector fails: then nothing may be logged */
export async function findSecrets(text: string): Promise<FoundSecret[]> {
  const found: FoundSecret[] = [];
  const linted = await lintSource({
    source: { content: text, filePath: 'exchange.txt', ext: '.txt', contentType: 'text' },
    options: { config: RULE, maskSecrets: false },
  });
  for (const message of linted.messages) {
    const kind = message.ruleId.replace(/^@secretlint\/secretlint-rule-/, '').slice(0, 24);
    found.push({ kind, start: message.range[0], end: message.range[1] });
  }
  for (const { kind, pattern, group } of OWN_RULES) {
    for (const match of text.matchAll(pattern)) found.push(span(kind, match, group));
  }
  for (const match of text.matchAll(NAMED_VALUE)) {
    const value = match[1] ?? '';
    if (!ORDINARY.test(value) && entropy(value) >= MIN_ENTROPY && /\d/.test(value))
      found.push(span('generic', match, 1));
  }
  for (const match of text.matchAll(SPOKEN)) {
    const value = (match[1] ?? '').replace(/[.!?)]+$/, '');
    // A secret has a digit, a sign or a capital inside; "my password is wrong" has none.
    if (/\d|[^\w\s'’.-]|[a-z][A-Z]/.test(value) && !ORDINARY.test(value)) {
      const start = match.index + match[0].lastIndexOf(match[1] ?? value);
      found.push({ kind: 'spoken', start, end: start + value.length });
    }
  }
  return merge(found);
}

/** Bits per character of a text's own distribution. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

function span(kind: string, match: RegExpExecArray, group: number): FoundSecret {
  const value = match[group] ?? match[0];
  const start = match.index + (group === 0 ? 0 : match[0].lastIndexOf(value));
  return { kind, start, end: start + value.length };
}

/** Overlapping finds become one, of the kind that began first. */
function merge(found: readonly FoundSecret[]): FoundSecret[] {
  const sorted = [...found].sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: FoundSecret[] = [];
  for (const secret of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && secret.start < last.end)
      merged[merged.length - 1] = { ...last, end: Math.max(last.end, secret.end) };
    else merged.push(secret);
  }
  return merged;
}
