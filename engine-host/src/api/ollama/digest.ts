/** Digests in Ollama's spelling. Nothing else ever becomes part of a file's name. */
import { invalid } from '../errors.ts';

/** @returns lower-case hex @throws {ZellError} invalid_request */
export function digestOf(text: string): string {
  const hex = /^sha256[:-]([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex === undefined) throw invalid('invalid digest format', 'digest');
  return hex;
}
