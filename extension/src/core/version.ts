/** Order of versions such as `1.4.0`; what follows a hyphen comes before the release. */

/** True when `a` is a later version than `b`. Text that is no version is never newer. */
export function isNewer(a: string, b: string): boolean {
  const left = parse(a);
  const right = parse(b);
  if (!left || !right) return false;
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return !left.preview && right.preview;
}

function parse(text: string): { readonly numbers: readonly number[]; readonly preview: boolean } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)(-.+)?$/.exec(text.split('+', 1)[0] ?? '');
  return match ? { numbers: match.slice(1, 4).map(Number), preview: match[4] !== undefined } : undefined;
}
