// A soak's report as Markdown.
import type { SoakReport } from './soak.ts';

export function table({ requests, seconds, outcomes, events, windows }: SoakReport): string {
  const whats = [...new Set(Object.values(outcomes).flatMap((counts) => Object.keys(counts)))].sort();
  const kinds = Object.entries(outcomes).sort(([a], [b]) => a.localeCompare(b));
  const sum = (what: string): number => kinds.reduce((total, [, counts]) => total + (counts[what] ?? 0), 0);
  return [
    `${requests} requests in ${seconds.toFixed(0)} s; ${events.found} of ${events.expected} events in the log.`,
    '',
    row(['request', ...whats]),
    row(['---', ...whats.map(() => '---:')]),
    ...kinds.map(([kind, counts]) => row([kind, ...whats.map((what) => String(counts[what] ?? 0))])),
    row(['all', ...whats.map((what) => String(sum(what)))]),
    '',
    row(['requests', 'host MB', 'engine MB', 'host fds', 'engine fds', 'p50 ms', 'p95 ms']),
    row(Array.from({ length: 7 }, () => '---:')),
    ...windows.map((w) =>
      row([
        String(w.requests),
        w.hostMb.toFixed(1),
        w.engineMb.toFixed(1),
        String(w.hostFds),
        String(w.engineFds),
        w.p50.toFixed(0),
        w.p95.toFixed(0),
      ]),
    ),
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
