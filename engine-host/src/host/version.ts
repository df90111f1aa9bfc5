/** The version of the package that runs, put in by the bundler. */
declare const ZELL_VERSION: string | undefined;

export const VERSION: string = typeof ZELL_VERSION === 'string' ? ZELL_VERSION : '0.0.0-dev';

/** True when `a` is a later release than `b`. Words after the numbers (`-dev`, `-rc.1`) do not count. */
export function isNewer(a: string, b: string): boolean {
  const left = numbers(a);
  const right = numbers(b);
  for (let i = 0; i < 3; i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function numbers(version: string): number[] {
  return (version.split('-')[0] ?? '').split('.').map((part) => Number.parseInt(part, 10) || 0);
}
