/** Joins texts of messages that become one. */

/** With an empty line between. */
export function join(a: string, b: string): string {
  return a === '' ? b : b === '' ? a : `${a}\n\n${b}`;
}
