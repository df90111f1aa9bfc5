/** What is wrong with a file, in a sentence that says which one. */
import { ZellError } from '#protocol/errors.ts';
import { nativeError } from './native/nativeError.ts';

export function namingFile(error: unknown, path: string): ZellError {
  const { code, message, details } = nativeError(error);
  const named = message.includes(path) ? message : `${path}: ${message}`;
  return ZellError.fromWire({
    code,
    message: /[.!?]$/.test(named) ? named : `${named}.`,
    ...(details === undefined ? {} : { details }),
  });
}
