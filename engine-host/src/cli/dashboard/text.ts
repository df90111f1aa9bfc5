/** Pieces of a dashboard's lines: labels, numbers, bars. Pure. */

const SPARKS = '▁▂▃▄▅▆▇█';
const LABEL = 10;

export function row(label: string, value: string): string {
  return `${label.padEnd(LABEL)}${value}`;
}

/** Right-aligned, so that figures do not jump. */
export function rate(value: number | undefined): string {
  return `${value === undefined ? '–' : whole(value)} tokens/s`.padStart(16);
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** The newest values that fit, each as a bar beside the largest of them. */
export function spark(values: readonly number[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const most = Math.max(...shown, 1);
  return shown.map((value) => SPARKS[Math.min(SPARKS.length - 1, Math.floor((value / most) * SPARKS.length))]).join('');
}

export function bar(share: number, columns: number): string {
  const width = Math.max(4, Math.min(24, columns - 50));
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Names and sentences of others go to a terminal without its control characters. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

export function cut(line: string, columns: number): string {
  const characters = Array.from(line);
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}
