/** JSON of events that differ in one text only: all around it is written once. */
import { randomUUID } from 'node:crypto';

/** Nobody can send it, so it marks the text's place in any JSON. */
const MARK = JSON.stringify(randomUUID());

/** `make`: the event around a text, which stands in it as one string value. @returns the event's JSON for each text */
export function textSlot(make: (text: string) => unknown): (text: string) => string {
  const [head, tail, more] = JSON.stringify(make(JSON.parse(MARK) as string)).split(MARK);
  if (head === undefined || tail === undefined || more !== undefined)
    throw new Error('An event must hold its text as a value, once.');
  return (text) => head + JSON.stringify(text) + tail;
}
