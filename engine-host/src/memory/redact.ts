/** Takes secrets out of a text before it is written. Equal secrets get equal marks, so that a conversation stays readable. */
import { createHmac } from 'node:crypto';
import { cutSecretFiles } from './quotedFiles.ts';
import { findSecrets } from './secretRules.ts';

export interface Redacted {
  readonly text: string;
  /** How many of each kind were replaced. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * `key`: secret of this machine; a mark shows 4 hex digits of an HMAC, which tells secrets apart and reveals none.
 * @throws when a detector fails: the caller then logs nothing
 */
export async function redact(text: string, key: Uint8Array): Promise<Redacted> {
  const counts: Record<string, number> = {};
  const denied = cutSecretFiles(text, '⟨secret:file⟩');
  if (denied.cut > 0) counts['file'] = denied.cut;
  let result = '';
  let end = 0;
  for (const secret of await findSecrets(denied.text)) {
    const value = denied.text.slice(secret.start, secret.end);
    const mark = createHmac('sha256', key).update(value).digest('hex').slice(0, 4);
    result += `${denied.text.slice(end, secret.start)}⟨secret:${secret.kind}:${mark}⟩`;
    end = secret.end;
    counts[secret.kind] = (counts[secret.kind] ?? 0) + 1;
  }
  return { text: result + denied.text.slice(end), counts };
}
