/** For tests of this room: a valid body for any schema, and that body with one field replaced, for each field there is. */

/** What JSON Schema holds that matters here. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
}

export type FieldPath = readonly (string | number)[];

/** Words that a field's name asks for; a type alone does not tell. */
const KNOWN: Readonly<Record<string, unknown>> = {
  role: 'user',
  messages: [{ role: 'user', content: 'Hi' }],
  prompt: 'Hi',
  content: 'Hi',
  input: 'Hi',
  input_prefix: 'Hi',
  model: 'tiny',
  from: 'tiny',
  max_tokens: 5,
};

/** The smallest value that the schema takes: required fields, and those that every request of its kind has. */
export function smallest(given: unknown, name = ''): unknown {
  const schema = given as Schema;
  if (name in KNOWN) return KNOWN[name];
  if (schema.const !== undefined) return schema.const;
  if (schema.anyOf !== undefined) return smallest(schema.anyOf[0]);
  switch (schema.type) {
    case 'string':
      return 'a';
    case 'number':
    case 'integer':
      return schema.minimum ?? 1;
    case 'boolean':
      return false;
    case 'array':
      return Array.from({ length: schema.minItems ?? 1 }, () => smallest(schema.items ?? {}));
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(
            ([key, value]) => (schema.required ?? []).includes(key) || (name === '' && key in KNOWN && isTyped(value)),
          )
          .map(([key, value]) => [key, smallest(value, key)]),
      );
    default:
      return 'a';
  }
}

/** A field that may be anything is often there only to be refused. */
function isTyped({ type, anyOf }: Schema): boolean {
  return type !== undefined || anyOf?.some(isTyped) === true;
}

/** Where a field can stand, and the types that it may have there. Fields without a type of their own may have any. */
export function fieldsOf(given: unknown, at: FieldPath = []): { readonly at: FieldPath; readonly types: string[] }[] {
  const variants = (schema: Schema): readonly Schema[] => schema.anyOf?.flatMap(variants) ?? [schema];
  const all = variants(given as Schema);
  const types = all.map(({ type }) => type ?? 'any');
  return [
    ...(at.length === 0 ? [] : [{ at, types }]),
    ...all.flatMap((schema) => [
      ...Object.entries(schema.properties ?? {}).flatMap(([key, value]) => fieldsOf(value, [...at, key])),
      ...(schema.items === undefined ? [] : fieldsOf(schema.items, [...at, 0])),
    ]),
  ];
}

/** A copy of `body` in which `value` stands at `at`; what is missing on the way there is made. */
export function replaced(body: unknown, [key, ...rest]: FieldPath, value: unknown): unknown {
  if (key === undefined) return value;
  const inner = (old: unknown): unknown => replaced(old, rest, value);
  if (typeof key === 'number') {
    const list: unknown[] = Array.isArray(body) ? [...(body as unknown[])] : [];
    list[key] = inner(list[key]);
    return list;
  }
  const object = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
  return { ...object, [key]: inner((object as Record<string, unknown>)[key]) };
}
