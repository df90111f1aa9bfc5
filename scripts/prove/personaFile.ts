// Somebody else's facts for the proof, from a JSON file: checked to the last field before anything is measured with it.
import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Errors } from 'typebox/value';
import { CHOICES, type GivenFact } from './persona.ts';

const text = Type.String({ minLength: 1, maxLength: 2000 });
const SCHEMA = Type.Object(
  {
    v: Type.Literal(1),
    facts: Type.Array(
      Type.Object(
        {
          id: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
          category: Type.Optional(text),
          value: text,
          aliases: Type.Optional(Type.Array(text)),
          mentions: Type.Array(text, { minItems: 1, maxItems: 3 }),
          questions: Type.Array(text, { minItems: 3 }),
          answer: Type.String({ pattern: '\\{\\}' }),
          others: Type.Array(text, { minItems: CHOICES - 1 }),
        },
        { additionalProperties: false },
      ),
      { minItems: 5, maxItems: 200 },
    ),
  },
  { additionalProperties: false },
);

/** @throws {Error} naming the first thing that is wrong */
export function readPersonaFile(file: string): GivenFact[] {
  return parsePersona(readFileSync(file, 'utf8'));
}

/** @throws {Error} naming the first thing that is wrong */
export function parsePersona(json: string): GivenFact[] {
  const parsed: unknown = JSON.parse(json);
  const [error] = Errors(SCHEMA, parsed);
  if (error !== undefined) throw new Error(`The persona's ${error.instancePath || 'file'} ${error.message}.`);
  const { facts } = parsed as { facts: GivenFact[] };
  const ids = new Set<string>();
  for (const fact of facts) {
    if (ids.has(fact.id)) throw new Error(`Two facts of the persona are called ${fact.id}.`);
    ids.add(fact.id);
    if (!fact.mentions.every((mention) => mention.includes(fact.value)))
      throw new Error(`A mention of ${fact.id} does not contain its value.`);
    if ([...fact.questions].some((question) => question.includes(fact.value)))
      throw new Error(`A question of ${fact.id} contains its value.`);
    if (fact.others.includes(fact.value)) throw new Error(`The value of ${fact.id} is among its wrong ones.`);
  }
  return facts;
}
