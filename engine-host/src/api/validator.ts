/** Checks bodies against their schemas. A wrong body costs no more than a right one, however long its lists are. */
import type { FastifySchemaCompiler } from 'fastify';
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { invalid } from './errors.ts';

/** Items of each list that are looked at for a reason; collecting all of them holds up everybody for seconds. */
const LOOKED_AT = 64;
const FIELDS_LOOKED_AT = 1000;
const MOST_REASONS = 3;

/** For `setValidatorCompiler`; only bodies have schemas here. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema }) => {
  const validator = Compile(schema);
  return (value: unknown) => {
    if (validator.Check(value)) return { value };
    const errors = validator.Errors(shortened(value)).slice(0, MOST_REASONS);
    const reasons = errors.map(({ instancePath, message }) => `body${instancePath} ${message}`);
    const message =
      reasons.length > 0 ? reasons.join(', ') : 'A list in the body is too long, or a later item is wrong.';
    return { error: invalid(message.slice(0, 300)) };
  };
};

/** The same with lists of at most so many items. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, LOOKED_AT).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, FIELDS_LOOKED_AT)
      .map(([key, inner]) => [key, shortened(inner)]),
  );
}
