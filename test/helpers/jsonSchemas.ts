// Schemas for the test of grammars, by the keyword that they are about. Whatever a grammar lets through must be valid by them.
const names = ['a', 'b', 'c', 'd'] as const;
const types = ['string', 'integer', 'number', 'boolean', 'null', 'array', 'object'] as const;
const text = { type: 'string', maxLength: 8 };
const whole = { type: 'integer' };
const bounds = [-1000, -17, -1, 0, 1, 9, 10, 99, 12345];

type Schema = Readonly<Record<string, unknown>>;

function object(properties: Schema, required: readonly string[] = [], more: Schema = {}): Schema {
  return { type: 'object', properties, required, ...more };
}

/** All pairs of a list, the first not after the second. */
function pairs<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((a, i) => list.slice(i).map((b): [T, T] => [a, b]));
}

export const SCHEMAS: Readonly<Record<string, readonly Schema[]>> = {
  type: [
    ...types.map((type) => ({ type })),
    ...pairs(types.slice(0, 5)).map(([a, b]) => ({ type: a === b ? [a] : [a, b] })),
  ],
  enum: [
    { enum: ['red', 'green', 'greenish', 'é"\\\n'] },
    { enum: [1, 2.5, -3, null, true, 'x'] },
    { type: 'string', enum: ['a', 1] },
    { enum: [{ a: 1 }, [1, 'b'], {}] },
    { enum: Array.from({ length: 300 }, (_, i) => `value ${i}`) },
  ],
  const: [{ const: 'only' }, { const: 0 }, { const: null }, { const: { a: [1, { b: 'c' }], d: true } }, { const: [] }],
  integers: pairs(bounds).map(([minimum, maximum]) => ({ type: 'integer', minimum, maximum })),
  'half-open': bounds.flatMap((bound) => [
    { type: 'integer', minimum: bound },
    { type: 'integer', exclusiveMaximum: bound },
    { type: 'number', exclusiveMinimum: bound },
    { type: 'number', maximum: bound + 0.25 },
  ]),
  numbers: pairs([-2.5, -0.125, 0, 0.5, 1, 3.75]).map(([a, b], i) =>
    i % 2 === 0 || a === b
      ? { type: 'number', minimum: a, maximum: b }
      : { type: 'number', exclusiveMinimum: a, exclusiveMaximum: b },
  ),
  multipleOf: [2, 3, 7, 10, 64, 100].map((multipleOf) => ({ type: 'integer', multipleOf })),
  lengths: pairs([0, 1, 2, 5, 40]).map(([minLength, maxLength]) => ({ type: 'string', minLength, maxLength })),
  pattern: [
    '^[a-z]{3}-\\d{2,4}$',
    '^(yes|no|maybe)$',
    // Texts without a bound hardly ever end when they are drawn at random.
    '^.{0,3}abc.{0,3}$',
    '^a.{0,4}$|^.{0,4}b$',
    '^\\w+\\s\\S*$',
    '^[^"\\\\]{1,5}$',
    '^"\\\\$',
    '^\\(\\d{3}\\) \\d{3}-\\d{4}$',
    '^[\\u00e0-\\u00ff日本]+$',
    '^.{3}$',
    '^(?:a(?<name>b)?)+?$',
    '^[\\d.-]+$',
  ].map((pattern) => ({ type: 'string', pattern })),
  format: [
    'date',
    'time',
    'date-time',
    'duration',
    'uuid',
    'email',
    'hostname',
    'ipv4',
    'ipv6',
    'uri',
    'uri-reference',
  ].map((format) => ({ type: 'string', format })),
  properties: [
    object({}),
    object({ a: text }),
    object({ a: text, b: whole, c: { type: 'boolean' } }, ['a', 'c']),
    object({ a: text, b: whole }, [], { additionalProperties: false }),
    object({ a: text, ab: whole }, ['a'], { additionalProperties: { type: 'boolean' } }),
    object({ 'é"\n': whole, 'a/b~c': whole }, ['é"\n']),
    object({ a: object({ b: object({ c: whole }, ['c']) }, ['b']) }, ['a'], { additionalProperties: true }),
    { type: 'object', additionalProperties: whole },
    { type: 'object', required: ['x', 'y'], additionalProperties: false, properties: { x: whole, y: text } },
    { type: 'object', required: ['x'] },
    { properties: { a: { type: ['string', 'null'], maxLength: 3 } }, required: ['a'] },
    object(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`p${i}`, whole]))),
    object({ a: true, b: false, c: {} }, ['a']),
    object({ a: whole, b: whole }, ['a'], { minProperties: 1, maxProperties: 2 }),
  ],
  items: [
    { type: 'array', items: whole },
    { type: 'array', items: { type: 'array', items: text, maxItems: 2 }, maxItems: 3 },
    { type: 'array', prefixItems: [text, whole] },
    { type: 'array', prefixItems: [text, whole], items: false },
    { type: 'array', prefixItems: [text, whole], items: { type: 'boolean' }, minItems: 3, maxItems: 6 },
    { type: 'array', items: false },
    { type: 'array', items: object({ a: whole }, ['a']), minItems: 2 },
    { type: 'array', uniqueItems: false, items: whole },
    ...pairs([0, 1, 2, 7, 50]).map(([minItems, maxItems]) => ({ type: 'array', items: whole, minItems, maxItems })),
  ],
  combined: [
    { anyOf: [whole, { type: 'null' }] },
    { oneOf: [object({ kind: { const: 'a' }, x: whole }, ['kind', 'x']), object({ kind: { const: 'b' } }, ['kind'])] },
    { type: 'integer', anyOf: [{ maximum: -5 }, { minimum: 5 }] },
    { allOf: [object({ a: whole }, ['a']), object({ b: text }, ['b'])] },
    { allOf: [{ type: ['integer', 'string'] }, { type: 'number' }, { minimum: 3 }], maximum: 20 },
    { allOf: [object({ a: { minimum: 3 } }), object({ a: { type: 'integer', maximum: 9 } }, ['a'])] },
    object({ a: whole, b: whole }, [], { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
    { allOf: [{ anyOf: [{ type: 'string' }, whole] }, { anyOf: [whole, { type: 'null' }] }] },
    { allOf: [{ enum: [1, 2, 3] }, { enum: [3, 2, 5] }] },
    ...names.map((name) => object({ [name]: { anyOf: [text, { type: 'array', items: text, maxItems: 2 }] } }, [name])),
  ],
  $ref: [
    {
      $ref: '#/$defs/n',
      $defs: { n: object({ v: whole, next: { anyOf: [{ $ref: '#/$defs/n' }, { type: 'null' }] } }, ['v', 'next']) },
    },
    object({ children: { type: 'array', items: { $ref: '#' }, maxItems: 2 } }),
    { $ref: '#/definitions/x', definitions: { x: { enum: ['y'] } } },
    object({ a: text, b: { $ref: '#/properties/a' } }, ['a', 'b']),
    { $ref: '#/$defs/i', minimum: 3, $defs: { i: whole } },
    { $ref: '#/$defs/a~1b', $defs: { 'a/b': { const: 1 } } },
  ],
};
