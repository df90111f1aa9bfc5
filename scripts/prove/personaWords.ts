// Values of the persona's facts: invented names and numbers of several kinds, none of which a model can have met.
import type { Random } from './random.ts';

export const VALUE_KINDS = ['person', 'place', 'machine', 'codename', 'pet', 'port', 'time', 'room', 'day'] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

const FIRST = [
  'Ines',
  'Tomasz',
  'Ingrid',
  'Kwame',
  'Leila',
  'Mateo',
  'Yuki',
  'Oksana',
  'Bram',
  'Noor',
  'Sefa',
  'Dagny',
].concat(['Ravi', 'Elif', 'Joaquim', 'Maeve', 'Pavel', 'Anouk', 'Tariq', 'Signe', 'Hana', 'Lorcan', 'Zuzana', 'Emeka']);
const LAST_START = [
  'Bre',
  'Van',
  'Tol',
  'Kar',
  'Os',
  'Mel',
  'Dra',
  'Quin',
  'Hal',
  'Sor',
  'Lin',
  'Pet',
  'Rav',
  'Ost',
  'Fen',
];
const LAST_END = ['dahl', 'mire', 'kova', 'ander', 'wick', 'esku', 'orran', 'holt', 'aghe', 'imov', 'strand', 'ulay'];
const PLACE_START = ['Varn', 'Quell', 'Ostr', 'Merri', 'Thal', 'Brun', 'Eska', 'Kolm', 'Wisp', 'Ardo', 'Linn', 'Hest'];
const PLACE_END = ['holt', 'mar', 'ivka', 'dale', 'wick', 'sund', 'ora', 'berg', 'minster', 'vale', 'ford', 'haven'];
const ANIMAL = [
  'heron',
  'otter',
  'badger',
  'lynx',
  'marten',
  'puffin',
  'ibex',
  'osprey',
  'weasel',
  'bison',
  'plover',
  'tapir',
];
const CODE_START = [
  'Kestrel',
  'Lumen',
  'Cobalt',
  'Juniper',
  'Ember',
  'Halcyon',
  'Onyx',
  'Saffron',
  'Tundra',
  'Willow',
  'Quartz',
].concat([
  'Magpie',
  'Sable',
  'Lichen',
  'Copper',
  'Bramble',
  'Velvet',
  'Argon',
  'Thistle',
  'Mango',
  'Pebble',
  'Indigo',
  'Walnut',
  'Comet',
]);
const CODE_END = [
  'fjord',
  'spire',
  'loom',
  'gate',
  'drift',
  'forge',
  'reef',
  'hollow',
  'crest',
  'march',
  'vault',
  'lark',
];
const PET_START = ['Pim', 'Zuk', 'Mof', 'Tib', 'Wush', 'Snor', 'Bram', 'Kip', 'Jin', 'Lum', 'Fen', 'Rux', 'Dob', 'Nap'];
const PET_END = ['mel', 'o', 'kin', 'bly', 'ika', 'ro', 'sie', 'zel', 'etto', 'ula', 'wig', 'dee'];
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];

/** One value of a kind. */
export function makeValue(kind: ValueKind, random: Random): string {
  switch (kind) {
    case 'person':
      return `${random.pick(FIRST)} ${random.pick(LAST_START)}${random.pick(LAST_END)}`;
    case 'place':
      return random.pick(PLACE_START) + random.pick(PLACE_END);
    case 'machine':
      return `${random.pick(ANIMAL)}-${10 + random.below(90)}`;
    case 'codename':
      return random.pick(CODE_START) + random.pick(CODE_END);
    case 'pet':
      return random.pick(PET_START) + random.pick(PET_END);
    case 'port':
      return String(4000 + random.below(5500));
    case 'time':
      return `${8 + random.below(9)}:${10 + 5 * random.below(10)}`;
    case 'room':
      return `${1 + random.below(9)}.${100 + random.below(900)}`;
    case 'day':
      return `${random.pick(DAYS)} at ${9 + random.below(8)}:${10 + 5 * random.below(10)}`;
  }
}

/** How else a right answer may name it. */
export function aliasesOf(kind: ValueKind, value: string): string[] {
  if (kind === 'person') return [value.split(' ')[1] ?? value];
  if (kind === 'machine') return [value.replace('-', ' '), value.replace('-', '')];
  return [];
}

/** Values that nobody else got. */
export class Values {
  readonly #used = new Set<string>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Different from all others, and containing none of them. */
  next(kind: ValueKind): string {
    for (let tries = 0; tries < 1000; tries++) {
      const value = makeValue(kind, this.#random);
      const names = [value, ...aliasesOf(kind, value)].map((name) => name.toLowerCase());
      const clash = [...this.#used].some((used) => names.some((name) => used.includes(name) || name.includes(used)));
      if (clash) continue;
      for (const name of names) this.#used.add(name);
      return value;
    }
    throw new Error(`No ${kind} is left.`);
  }
}
