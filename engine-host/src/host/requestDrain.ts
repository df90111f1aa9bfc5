/** Asks an older host to finish and make room. */
import type { Announcement } from '#protocol/announcement.ts';
import { connectHost } from './hostClient.ts';

/** Resolves when the older host has agreed; it frees the lock when it is done. */
export async function requestDrain(other: Announcement): Promise<void> {
  const client = await connectHost(other, 'cli');
  try {
    await client.request('zell/host/stop', { drain: true }, AbortSignal.timeout(5000));
  } finally {
    client.close();
  }
}
