/** Message contents as plain text. */
import { invalid, unsupported } from './errors.ts';

/** Joins the text parts of a content. `field`: of the body, for errors. @throws {ZellError} unsupported for images, sound and files */
export function plainText(content: unknown, field = 'messages'): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid('content must be text or a list of parts.', field);
  return content.map((part) => partText(part, field)).join('');
}

function partText(part: unknown, field: string): string {
  if (typeof part === 'string') return part;
  const { type, text, refusal } = part as { type?: unknown; text?: unknown; refusal?: unknown };
  if ((type === 'text' || type === 'input_text' || type === 'output_text') && typeof text === 'string') return text;
  if (type === 'refusal' && typeof refusal === 'string') return refusal;
  const name = typeof type === 'string' ? type.slice(0, 40) : 'unknown';
  if (/image|audio|video|file/.test(name))
    throw unsupported(
      `Content parts of type "${name}" are not supported: no model here can read images or sound.`,
      field,
    );
  throw invalid(`A content part of type "${name}" is not known or lacks its text.`, field);
}

/** Earlier tool calls of the assistant, as the text that most models write for them. */
export function toolCallText(name: unknown, input: unknown): string {
  let value = input;
  if (typeof input === 'string') {
    try {
      value = JSON.parse(input) as unknown;
    } catch {
      value = input;
    }
  }
  return `<tool_call>\n${JSON.stringify({ name, arguments: value })}\n</tool_call>`;
}

export function joinTexts(...texts: readonly string[]): string {
  return texts.filter((t) => t !== '').join('\n');
}
