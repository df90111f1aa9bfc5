/** Numbers and times among a command's words, refused with what would do. */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`A whole number${range(least, most)} is needed.`);
    return value;
  };
}

export function wholeNumbers(least: number, most: number): (text: string) => number[] {
  const one = wholeNumber(least, most);
  return (text) => text.split(',').map((part) => one(part.trim()));
}

export function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most)
      throw new InvalidArgumentError(`A number${range(least, most)} is needed.`);
    return value;
  };
}

/** `20m`, `1h`, or a number of minutes. */
export function minutes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(m|min|h)?$/.exec(text.trim());
  const value = Number(match?.[1] ?? NaN) * (match?.[2] === 'h' ? 60 : 1);
  if (!(value >= 1 && value <= 24 * 60)) throw new InvalidArgumentError('A time from 1m to 24h is needed.');
  return Math.round(value);
}

function range(least: number, most: number): string {
  return most === Number.MAX_SAFE_INTEGER ? ` of at least ${least}` : ` from ${least} to ${most}`;
}
