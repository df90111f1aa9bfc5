/** Errors of the addon carry a `code` from the protocol's list; this gives them our class. */
import { ZellError, isErrorCode, toWireError, type WireError } from '#protocol/errors.ts';

/** A value that the addon threw, or the `error` of a step's output, as a wire error. */
export function nativeError(error: unknown): WireError {
  if (ZellError.is(error)) return error.toWire();
  if (typeof error === 'object' && error !== null && 'code' in error && isErrorCode(error.code)) {
    const message = 'message' in error && typeof error.message === 'string' ? error.message : error.code;
    return { code: error.code, message };
  }
  return toWireError(error);
}
