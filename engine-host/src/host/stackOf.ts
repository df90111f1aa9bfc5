/** Where a bug happened. Its message may hold anything, so it stays out of the log. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return [error.name, ...(error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))].join('\n');
}
