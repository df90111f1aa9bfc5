/** Colours for a page that is complete without them. Pure. */

const CODES = { bold: '1', dim: '2', yellow: '33', cyan: '36' } as const;

/** Whether this terminal wants colours: https://no-color.org, and a terminal that has them. */
export function wantsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** The lines with colours around some of their characters: they are as wide as before. */
export function paint(lines: readonly string[]): string[] {
  return lines.map((line, i) => {
    if (i === 0) return inColour('bold', line);
    if (line.startsWith('Held')) return inColour('yellow', line);
    return line
      .replace(/[█▓▒▁▂▃▄▅▆▇]+/g, (found) => inColour('cyan', found))
      .replace(/[·░]+/g, (found) => inColour('dim', found))
      .replace(/•+/g, (found) => inColour('yellow', found));
  });
}

function inColour(colour: keyof typeof CODES, text: string): string {
  return text === '' ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}
