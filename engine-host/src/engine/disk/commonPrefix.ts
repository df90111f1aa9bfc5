/** Two lists of tokens side by side. */

/** How many leading tokens two lists share, up to `limit`; `b` is looked at from `from` on. */
export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>, limit: number, from = 0): number {
  const most = Math.min(a.length, b.length - from, limit);
  let length = 0;
  while (length < most && a[length] === b[from + length]) length++;
  return length;
}
