/** The cache of experts as a picture: a row for each layer, a character for each expert, or for a few. Pure. */
import type { ExpertUse } from '#protocol/survey.ts';

/** In memory, by how often tokens go there: up to a quarter of the mean, the mean, twice the mean, more. */
const IN_MEMORY = '░▒▓█';
/** On the disk: seldom asked, asked more often than the mean. */
const ON_DISK = '·•';

export const MAP_LEGEND = `${IN_MEMORY} in memory, the darker the more used · on the disk • there although it is used`;

/** At most `rows` lines of at most `columns` characters; neighbours share a character where there are more. */
export function expertMap(layers: readonly ExpertUse[], columns: number, rows: number): string[] {
  const used = layers.filter(({ experts }) => experts.length > 0);
  const label = String(used.length).length;
  const width = columns - 2 * label - 2;
  if (used.length === 0 || rows < 1 || width < 1) return [];
  const together = Math.ceil(used.length / rows);
  const lines: string[] = [];
  for (let first = 0; first < used.length; first += together) {
    const group = used.slice(first, first + together);
    const last = first + group.length - 1;
    const name = group.length === 1 ? String(first) : `${first}–${last}`;
    lines.push(`${name.padStart(2 * label + 1)} ${mapLine(group, width)}`);
  }
  return lines;
}

function mapLine(layers: readonly ExpertUse[], width: number): string {
  const most = Math.max(...layers.map(({ experts }) => experts.length));
  const together = Math.ceil(most / width);
  let line = '';
  for (let first = 0; first < most; first += together) line += cell(layers, first, first + together);
  return line;
}

/** Of the experts `first` to before `end` of these layers. */
function cell(layers: readonly ExpertUse[], first: number, end: number): string {
  let count = 0;
  let held = 0;
  let use = 0;
  for (const { experts, inMemory = [] } of layers) {
    const sum = experts.reduce((a, b) => a + b, 0);
    for (let e = first; e < Math.min(end, experts.length); e++) {
      count++;
      if (inMemory[e] === true) held++;
      // 1: as often as the mean of its layer.
      use += sum === 0 ? 0 : ((experts[e] ?? 0) * experts.length) / sum;
    }
  }
  if (count === 0) return ' ';
  const often = use / count;
  if (2 * held < count || held === 0) return ON_DISK[often > 1 ? 1 : 0] ?? ' ';
  return IN_MEMORY[often > 2 ? 3 : often > 1 ? 2 : often > 0.25 ? 1 : 0] ?? ' ';
}
