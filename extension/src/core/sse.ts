/** Server-sent events from a stream of text chunks that break anywhere. */

/** Longest line that is buffered, in UTF-16 units; a server that sends more is broken. */
const MAX_LINE = 8 * 1024 * 1024;

/** Collects chunks and gives the `data` of each finished event. Comments and other fields are ignored. */
export class SseParser {
  #buffer = '';
  #data: string[] = [];

  /** Data of the events that this chunk finished, in order. */
  push(chunk: string): string[] {
    const events: string[] = [];
    this.#buffer += chunk;
    let from = 0;
    for (;;) {
      const end = this.#buffer.indexOf('\n', from);
      if (end === -1) break;
      const line = this.#buffer.slice(from, this.#buffer[end - 1] === '\r' && end > from ? end - 1 : end);
      from = end + 1;
      this.#line(line, events);
    }
    this.#buffer = this.#buffer.slice(from);
    if (this.#buffer.length > MAX_LINE) throw new RangeError('A line of the event stream is too long.');
    return events;
  }

  #line(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
}
