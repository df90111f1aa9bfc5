/** Things that people might ask about and never told: what an honest memory says no to. */
import type { Card } from '#protocol/memory.ts';
import { subjectKey } from './cardId.ts';

const PERSONAL = `blood type, shoe size, middle name, maiden name, star sign, eye colour, hair colour, first car, first job, first school, driving
  school, favourite opera, favourite painter, favourite museum, favourite cheese, favourite soup, favourite sandwich, favourite spice, favourite
  fruit, favourite ice cream, favourite season, favourite holiday, favourite board game, favourite poem, favourite philosopher, favourite perfume,
  favourite flower, favourite tree, favourite bird, favourite dinosaur, lucky number, godmother, godfather, best man, stepbrother, nephew,
  niece, grandson, optician, barber, tailor, plumber, gardener, babysitter, piano teacher, swimming coach, yoga teacher, tax adviser, notary,
  parish, insurance company, health insurance, pension fund, savings bank, electricity provider, gas provider, mattress, bicycle, sewing
  machine, coffee grinder, lawn mower, vacuum cleaner, washing machine, tent, telescope, aquarium, parakeet, tortoise, goldfish, ferret,
  cello, trumpet, accordion, chess rating, marathon time, weight, waist size, hat size, ring size, bedtime, wake-up time, gym membership, library card,
  bus line, train line, parking space, seat preference, airline status, last vacation, next vacation, honeymoon, house number, floor plan`;
const WORK = `payroll system, fax number, coffee machine at work, office plant, office dog, company song, company car, dress code, lunch break, canteen,
  works council, union, company doctor, parental leave, notice period, salary, bonus, stock options, expense policy, travel agency, patent number,
  trademark, tax number, audit firm, law firm, printing house, warehouse, forklift, loading dock, mainframe, tape library, COBOL compiler,
  Fortran version, satellite link, radio frequency, licence server, dongle, plotter, barcode scanner, cash register, vending machine, badge colour,
  locker, mail room, archive room, fire warden, emergency exit, evacuation point, first aider, elevator company, cleaning company, catering company,
  intern's project, summer party, Christmas party, team outing, mission statement, founding year, first customer, largest customer, oldest bug,
  disaster recovery site, backup generator, server room temperature, rack number, cable colour, switch vendor, firewall vendor, phone extension,
  conference bridge, projector, whiteboard brand, label printer, shipping company, customs agent, translation agency, stock photo service,
  advertising agency, radio spot, jingle, billboard, trade fair, booth number`;

const split = (list: string): string[] => list.split(',').map((topic) => topic.trim().replace(/\s+/g, ' '));

export interface UnknownTopic {
  /** In the user's words: "my blood type". */
  readonly mine: string;
  /** In Zell's: "your blood type". */
  readonly yours: string;
}

/** Topics of which no card speaks, in a fixed order. */
export function unknownTopics(cards: readonly Card[]): UnknownTopic[] {
  const words = new Set(cards.flatMap((card) => subjectKey(`${card.subject} ${card.value}`).split(' ')));
  const free = (topic: string): boolean => !words.has(subjectKey(topic).split(' ').at(-1) ?? '');
  return [
    ...split(PERSONAL).map((topic) => ({ topic, owner: 'my' })),
    ...split(WORK).map((topic) => ({ topic, owner: 'our' })),
  ]
    .filter(({ topic }) => free(topic))
    .map(({ topic, owner }) => ({ mine: `${owner} ${topic}`, yours: `your ${topic}` }));
}
