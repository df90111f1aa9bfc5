/** Worker entry: redacts texts one after another, so that a long or hostile one never blocks the front. */
import { parentPort, workerData } from 'node:worker_threads';
import { redact, type Redacted } from './redact.ts';

export interface RedactionJob {
  readonly id: number;
  readonly texts: readonly string[];
}
export type RedactionAnswer =
  { readonly id: number; readonly redacted: readonly Redacted[] } | { readonly id: number; readonly failed: string };

const port = parentPort;
if (port !== null) {
  const key = (workerData as { key: Uint8Array }).key;
  port.on('message', (job: RedactionJob) => {
    Promise.all(job.texts.map((text) => redact(text, key))).then(
      (redacted) => port.postMessage({ id: job.id, redacted } satisfies RedactionAnswer),
      (error: unknown) => {
        const failed = error instanceof Error ? error.name : 'unknown';
        port.postMessage({ id: job.id, failed } satisfies RedactionAnswer);
      },
    );
  });
}
