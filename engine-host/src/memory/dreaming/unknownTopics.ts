/** Things that people might ask about and never told: what an honest memory says no to. */
import type { Card } from '#protocol/memory.ts';
import { subjectKey } from './cardId.ts';
import { isPerson } from './wordings.ts';

const PERSONAL = `blood type, shoe size, middle name, maiden name, star sign, eye colour, hair colour, first car, first job, first school, driving
  school, favourite opera, favourite painter, favourite museum, favourite cheese, favourite soup, favourite sandwich, favourite spice, favourite
  fruit, favourite ice cream, favourite season, favourite holiday, favourite board game, favourite poem, favourite philosopher, favourite perfume,
  favourite flower, favourite tree, favourite bird, favourite dinosaur, lucky number, parish, insurance company, health insurance, pension fund,
  savings bank, electricity provider, gas provider, chess rating, marathon time, weight, waist size, hat size, ring size, bedtime, wake-up time,
  gym membership, library card, bus line, train line, parking space, seat preference, airline status, last vacation, next vacation, honeymoon,
  house number, floor plan, ringtone, screen name, graduation year, mother tongue, favourite dessert, favourite drink, favourite actor,
  favourite song, favourite film, favourite colour, favourite teacher, favourite sweater, favourite vegetable, favourite radio station,
  toothpaste, breakfast cereal, bank account, credit limit, tax class, donor card, swimming badge, handwriting, morning routine`;
const WORK = `payroll system, fax number, coffee machine at work, office plant, office dog, company song, company car, dress code, lunch break, canteen,
  works council, union, company doctor, parental leave, notice period, salary, bonus, stock options, expense policy, travel agency, patent number,
  trademark, tax number, audit firm, law firm, printing house, COBOL compiler, Fortran version, satellite link, radio frequency, badge colour,
  locker, mail room, archive room, fire warden, emergency exit, evacuation point, first aider, elevator company, cleaning company, catering company,
  intern's project, summer party, Christmas party, team outing, mission statement, founding year, first customer, largest customer, oldest bug,
  disaster recovery site, server room temperature, rack number, cable colour, switch vendor, firewall vendor, phone extension,
  conference bridge, whiteboard brand, shipping company, customs agent, translation agency, stock photo service, advertising agency,
  radio spot, jingle, billboard, trade fair, booth number, support hotline, press contact, vacation policy, code of conduct, wiki password`;
const PEOPLE = `godmother, godfather, best man, stepbrother, nephew, niece, grandson, optician, barber, tailor, plumber, gardener, babysitter, piano
  teacher, swimming coach, yoga teacher, tax adviser, notary, father-in-law, twin, electrician, carpenter, hairdresser, butcher, postman,
  driving instructor, tennis partner, godson, fiancé, childhood friend, thesis adviser, physiotherapist, surgeon, midwife, personal trainer,
  scout leader, stockbroker, architect, roofer, chauffeur, secretary, predecessor, team captain, apprentice, publisher, ghostwriter`;
const THINGS = `mattress, bicycle, sewing machine, coffee grinder, lawn mower, vacuum cleaner, washing machine, tent, telescope, aquarium, parakeet,
  tortoise, goldfish, ferret, cello, trumpet, accordion, sofa, surfboard, kayak, snowboard, piano, microwave, toaster, camera, wristband,
  backpack, garage, greenhouse, caravan, motorcycle, typewriter, record player, headphones, garden shed`;
const MACHINES = `warehouse, forklift, loading dock, mainframe, tape library, licence server, dongle, plotter, barcode scanner, cash register,
  vending machine, backup generator, label printer, projector, mail gateway, print server, fax server, proxy host, DNS server, load balancer,
  telephone system, time server, file share, intranet, web shop, ticket system, billing service, ledger service, search cluster, message queue`;

const OF_PEOPLE = `name, age, job, hobby, nationality, email address, hair colour, favourite dish, home address, salary, eye colour`;
const OF_THINGS = `colour, brand, price, age, serial number, weight`;
const OF_MACHINES = `name, port, IP address, hostname, version, location, vendor`;

/** Parts that the things of cards do have, and that are rarely told. */
const UNSAID_OF_PEOPLE = `age, hair colour, nationality, favourite dish, hobby, job`;
const UNSAID_OF_THINGS = `colour, age, price, weight, founding year, version`;

const split = (list: string): string[] => list.split(',').map((topic) => topic.trim().replace(/\s+/g, ' '));

export interface UnknownTopic {
  /** What it is or belongs to, in the user's words: "my blood type", "my nephew". */
  readonly thing: string;
  /** Of the thing: "age". */
  readonly part?: string;
  /** The whole in the user's words: "my nephew's age". */
  readonly mine: string;
  /** In Zell's: "your nephew's age". */
  readonly yours: string;
}

/** Topics of which no card speaks, in a fixed order: things by themselves, and parts of people and things. */
export function unknownTopics(cards: readonly Card[]): {
  readonly plain: UnknownTopic[];
  readonly owned: UnknownTopic[];
} {
  const words = new Set(cards.flatMap((card) => subjectKey(`${card.subject} ${card.value}`).split(' ')));
  const free = (list: string): string[] =>
    split(list).filter((thing) => !words.has(subjectKey(thing).split(' ').at(-1) ?? ''));
  const plain = (owner: Owner, list: string): UnknownTopic[] => free(list).map((thing) => topicOf(owner, thing));
  const owned = (owner: Owner, list: string, parts: string): UnknownTopic[] =>
    free(list).flatMap((thing) => split(parts).map((part) => topicOf(owner, thing, part)));
  return {
    plain: [
      ...plain('my', PERSONAL),
      ...plain('our', WORK),
      ...plain('my', PEOPLE),
      ...plain('my', THINGS),
      ...plain('our', MACHINES),
    ],
    owned: [
      ...owned('my', PEOPLE, OF_PEOPLE),
      ...owned('my', THINGS, OF_THINGS),
      ...owned('our', MACHINES, OF_MACHINES),
    ],
  };
}

/** Of what the card does speak about, parts that no card tells: "my manager's age". */
export function unsaidOf(card: Card, cards: readonly Card[]): UnknownTopic[] {
  const thing = /^your ([\p{L}\p{N}]+(?:[ -][\p{L}\p{N}]+){0,3})$/u.exec(card.subject)?.[1];
  if (thing === undefined || (card.form !== 'attribute' && card.form !== 'name' && card.form !== 'place')) return [];
  const known = new Set(cards.map((other) => subjectKey(other.subject)));
  return split(isPerson(thing) ? UNSAID_OF_PEOPLE : UNSAID_OF_THINGS)
    .map((part) => topicOf('my', thing, part))
    .filter(({ yours }) => !known.has(subjectKey(yours)));
}

type Owner = 'my' | 'our';

function topicOf(owner: Owner, thing: string, part?: string): UnknownTopic {
  const whole = part === undefined ? thing : `${thing}'s ${part}`;
  const given = part === undefined ? {} : { part };
  return { thing: `${owner} ${thing}`, ...given, mine: `${owner} ${whole}`, yours: `your ${whole}` };
}
