/** A memory for tests: the i-th one, said by the event i + 1 at the time i. */
import type { Card } from '#protocol/memory.ts';

export function testCard(i: number, subject: string, value: string): Card {
  return {
    id: String(i).padStart(16, '0'),
    subject,
    statement: `${subject.charAt(0).toUpperCase()}${subject.slice(1)} is ${value}.`,
    value,
    kind: 'fact',
    form: 'attribute',
    scope: 'global',
    sources: [i + 1],
    validFrom: i,
    by: 'template',
  };
}
