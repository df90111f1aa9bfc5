/** Where a model's draft head lies: beside the profiles. Documented in docs/formats/draft-head.md. */
import path from 'node:path';

export const DRAFT_HEAD_FILE = /^([0-9a-f]{16})\.draft$/;

export function draftHeadFile(folder: string, modelHash: string): string {
  return path.join(folder, `${modelHash}.draft`);
}
