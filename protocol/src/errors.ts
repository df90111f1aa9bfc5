/** Every failure that Zell can report, in one list; the native `StatusCode` spells the same words. */
export const ERROR_CODES = [
  'invalid_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'model_not_found',
  'too_large',
  'context_overflow',
  'out_of_memory',
  'bad_model_file',
  'unsupported_model',
  'template_failed',
  'busy',
  'cancelled',
  'timeout',
  'engine_starting',
  'engine_crashed',
  'already_running',
  'incompatible',
  'memory_off',
  'io',
  'disk_full',
  'unsupported',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A failure as it crosses a process: callers branch on `code`, people read `message`. */
export interface WireError {
  readonly code: ErrorCode;
  /** One or two sentences that say what happened and what to do. Never holds prompt or reply text. */
  readonly message: string;
  /** Numbers and names behind the message (needed and available bytes, tokens and limit). */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** An expected failure. Bugs stay plain `Error`s. */
export class ZellError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean>> | undefined;

  constructor(code: ErrorCode, message: string, options?: { details?: WireError['details']; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ZellError';
    this.code = code;
    this.details = options?.details;
  }

  /** True for a `ZellError`, and for one with this `code` when it is given. */
  static is(error: unknown, code?: ErrorCode): error is ZellError {
    return error instanceof ZellError && (code === undefined || error.code === code);
  }

  static fromWire(wire: WireError): ZellError {
    return new ZellError(wire.code, wire.message, wire.details === undefined ? undefined : { details: wire.details });
  }

  toWire(): WireError {
    return this.details === undefined
      ? { code: this.code, message: this.message }
      : { code: this.code, message: this.message, details: this.details };
  }
}

/** Any thrown value as a wire error; what is not ours becomes `internal` and keeps only its message. */
export function toWireError(error: unknown): WireError {
  if (ZellError.is(error)) return error.toWire();
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && (ERROR_CODES as readonly string[]).includes(value);
}
