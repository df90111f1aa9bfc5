/** Failures as each API family words them: status, headers, body. */
import { ZellError, toWireError, type ErrorCode, type WireError } from '#protocol/errors.ts';
import type { Dialect } from './dialect.ts';

export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  model_not_found: 404,
  too_large: 413,
  context_overflow: 400,
  // Trying again would not help: the model does not fit here, or the file is broken.
  out_of_memory: 400,
  bad_model_file: 400,
  unsupported_model: 400,
  template_failed: 500,
  busy: 503,
  cancelled: 499,
  timeout: 504,
  engine_starting: 503,
  engine_crashed: 500,
  already_running: 409,
  incompatible: 409,
  memory_off: 409,
  io: 500,
  disk_full: 507,
  unsupported: 400,
  internal: 500,
};

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  409: 'invalid_request_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  501: 'not_supported_error',
  503: 'unavailable_error',
};
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  409: 'invalid_request_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** A failure whose status says more than its code (405, 415). */
export class HttpError extends ZellError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super(code, message);
    this.status = status;
  }
}

/** What went wrong, of any thrown value. A bug's own message stays inside: it could hold anything. */
export function publicError(error: unknown): WireError {
  if (ZellError.is(error)) return toWireError(error);
  return { code: 'internal', message: 'Zell made a mistake while it answered this request.' };
}

/** @param status overrides the code's own (405, 415). */
export function errorReply(dialect: Dialect, error: WireError, requestId: string, status?: number): ErrorReply {
  const base = status ?? STATUS[error.code];
  const headers: Record<string, string> = {};
  if (error.code === 'busy' || error.code === 'engine_starting') headers['retry-after'] = retryAfter(error);
  if (dialect === 'anthropic') headers['request-id'] = requestId;
  const final = dialect === 'anthropic' && error.code === 'busy' ? 529 : base;
  return { status: final, headers, body: errorBody(dialect, error, requestId, final) };
}

/** The body alone, as it also goes into a stream that has begun. */
export function errorBody(dialect: Dialect, error: WireError, requestId: string, status?: number): ErrorReply['body'] {
  const code = status ?? (dialect === 'anthropic' && error.code === 'busy' ? 529 : STATUS[error.code]);
  const tooLong = overflow(error);
  switch (dialect) {
    case 'anthropic': {
      const message = tooLong?.anthropic ?? error.message;
      return { type: 'error', error: { type: ANTHROPIC_TYPES[code] ?? 'api_error', message }, request_id: requestId };
    }
    case 'ollama':
      return { error: error.message };
    case 'openai': {
      const name = error.code === 'context_overflow' ? 'context_length_exceeded' : error.code;
      const type = OPENAI_TYPES[code] ?? 'server_error';
      return { error: { message: tooLong?.openai ?? error.message, type, param: param(error), code: name } };
    }
    case 'llamacpp': {
      const type =
        error.code === 'context_overflow' ? 'exceed_context_size_error' : (OPENAI_TYPES[code] ?? 'server_error');
      return { error: { code, message: tooLong?.llamacpp ?? error.message, type, ...tooLong?.numbers } };
    }
  }
}

/** A `context_overflow` in the words that each family's clients look for: agents shorten their history when they read them. */
function overflow(error: WireError) {
  const { promptTokens, contextLength } = error.details ?? {};
  if (error.code !== 'context_overflow' || typeof promptTokens !== 'number' || typeof contextLength !== 'number')
    return undefined;
  const what = param(error) ?? 'messages';
  return {
    anthropic: `prompt is too long: ${promptTokens} tokens > ${contextLength} maximum`,
    openai:
      `This model's maximum context length is ${contextLength} tokens. However, your ${what} resulted in ${promptTokens} tokens. ` +
      `Please reduce the length of the ${what}.`,
    llamacpp: `request (${promptTokens} tokens) exceeds the available context size (${contextLength} tokens), try increasing it`,
    numbers: { n_prompt_tokens: promptTokens, n_ctx: contextLength },
  };
}

function param(error: WireError): string | null {
  const value = error.details?.['param'];
  return typeof value === 'string' ? value : null;
}

function retryAfter(error: WireError): string {
  const seconds = error.details?.['retryAfterSeconds'];
  return String(typeof seconds === 'number' && seconds >= 1 ? Math.ceil(seconds) : 1);
}

export function invalid(message: string, parameter?: string): ZellError {
  return new ZellError('invalid_request', message, parameter === undefined ? {} : { details: { param: parameter } });
}

export function unsupported(message: string, parameter?: string): ZellError {
  return new ZellError('unsupported', message, parameter === undefined ? {} : { details: { param: parameter } });
}
