/** How much of the memory the bodies of all requests under way may take together. */
import type { ServerResponse } from 'node:http';
import { ZellError } from '#protocol/errors.ts';

export const MOST_HELD_BYTES = 512 * 1024 * 1024;

/** Counts what each request holds until its answer has ended or its client has gone. */
export class BodyRoom {
  readonly #held = new Map<ServerResponse, number>();
  readonly #most: number;
  #total = 0;

  constructor(most = MOST_HELD_BYTES) {
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  /** @throws {ZellError} busy when others hold too much for it */
  take(response: ServerResponse, bytes: number): void {
    const held = this.#held.get(response);
    if (this.#total + bytes > this.#most) {
      const message = 'The requests under way fill the memory that there is for them. Try again later.';
      throw new ZellError('busy', message, { details: { retryAfterSeconds: 5 } });
    }
    if (held === undefined) response.once('close', () => this.#free(response));
    this.#held.set(response, (held ?? 0) + bytes);
    this.#total += bytes;
  }

  #free(response: ServerResponse): void {
    this.#total -= this.#held.get(response) ?? 0;
    this.#held.delete(response);
  }
}
