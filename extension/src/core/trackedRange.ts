/** Follows a piece of text through later edits: what stayed of an accepted suggestion. */

/** Offsets in UTF-16 units, end exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** One edit, as the editor reports it: `length` units from `offset` on gave way to `inserted` units. */
export interface TextChange {
  readonly offset: number;
  readonly length: number;
  readonly inserted: number;
}

/**
 * The range after the edit. Typing inside belongs to it, typing at its borders does not; what is deleted leaves it. An edit
 * across a border keeps only the part that was inside.
 */
export function moveRange(range: TextRange, change: TextChange): TextRange {
  const changeEnd = change.offset + change.length;
  const shift = change.inserted - change.length;
  if (changeEnd <= range.start) return { start: range.start + shift, end: range.end + shift };
  if (change.offset >= range.end) return range;
  const inside = change.offset >= range.start && changeEnd <= range.end;
  if (inside) return { start: range.start, end: range.end + shift };
  if (change.offset < range.start) {
    const start = change.offset + change.inserted;
    return { start, end: Math.max(start, range.end + shift) };
  }
  return { start: range.start, end: change.offset };
}
