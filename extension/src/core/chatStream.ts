/** Reads the chunks of a streamed chat completion (OpenAI's shape, as our own host sends it). */
import { isErrorCode, ZellError, type ErrorCode } from '#protocol/errors.ts';

export type ChatChunk =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'finish'; readonly reason: string }
  | { readonly type: 'end' }
  | { readonly type: 'other' };

/** @throws {ZellError} when the chunk carries an error. */
export function readChatChunk(data: string): ChatChunk {
  if (data === '[DONE]') return { type: 'end' };
  const value = parseObject(data);
  if (value?.['error'] !== undefined) throw errorFromBody(value, 'internal');
  const choice = Array.isArray(value?.['choices']) ? asObject(value['choices'][0]) : undefined;
  const text = asObject(choice?.['delta'])?.['content'];
  if (typeof text === 'string' && text !== '') return { type: 'text', text };
  const reason = choice?.['finish_reason'];
  return typeof reason === 'string' ? { type: 'finish', reason } : { type: 'other' };
}

/** The error in a response that is no stream; `status` is HTTP's. */
export function errorFromResponse(status: number, body: string): ZellError {
  const value = parseObject(body);
  return errorFromBody(value, status === 401 ? 'unauthorized' : status === 503 ? 'busy' : 'internal');
}

function errorFromBody(value: Record<string, unknown> | undefined, fallback: ErrorCode): ZellError {
  const error = asObject(value?.['error']);
  const code = [error?.['code'], error?.['type']].find(isErrorCode) ?? fallback;
  const message = error?.['message'] ?? value?.['error'];
  return new ZellError(code, typeof message === 'string' ? message : 'The engine answered with an error.');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
