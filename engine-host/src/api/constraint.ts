/** The forms of answers that clients ask for, each in its dialect's words. */
import type { Constraint } from '#protocol/constraint.ts';
import { invalid } from './errors.ts';

/** The `constraint` of a generation; nothing where text of any form is asked for. */
export interface Constrained {
  readonly constraint?: Constraint;
}

/** Any JSON object: OpenAI's and Ollama's JSON mode. */
const ANY_OBJECT: Constrained = { constraint: { kind: 'json_schema', schema: { type: 'object' } } };

function bySchema(schema: unknown, param: string): Constrained {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw invalid(`${param} must hold a JSON schema.`, param);
  return { constraint: { kind: 'json_schema', schema } };
}

function filled(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

/**
 * `{type: "text" | "json_object" | "json_schema", …}`. The schema stands under `json_schema.schema` (Chat Completions), or under `schema`
 * (Responses, Anthropic, and llama.cpp's `json_object`). @throws {ZellError} invalid_request
 */
export function constraintOfFormat(format: unknown, param: string): Constrained {
  if (!filled(format)) return {};
  const { type, schema, json_schema: named } = format as { type?: unknown; schema?: unknown; json_schema?: unknown };
  switch (type) {
    case 'text':
      return {};
    case 'json_object':
      return filled(schema) ? bySchema(schema, param) : ANY_OBJECT;
    case 'json_schema': {
      const inner: unknown = filled(named) ? (named as { schema?: unknown }).schema : schema;
      return bySchema(inner, param);
    }
    default:
      throw invalid(`${param} must be of type "text", "json_object" or "json_schema".`, param);
  }
}

/** Ollama's `format`: "json", or a schema. @throws {ZellError} invalid_request */
export function constraintOfOllama(format: unknown): Constrained {
  if (!filled(format)) return {};
  if (format === 'json') return ANY_OBJECT;
  if (typeof format === 'object' && !Array.isArray(format)) return bySchema(format, 'format');
  throw invalid(`invalid format: ${JSON.stringify(format).slice(0, 100)}; expected "json" or a JSON schema`, 'format');
}

/** llama.cpp's `grammar` and `json_schema`, of which one may be there. @throws {ZellError} invalid_request */
export function constraintOfLlama(body: { readonly grammar?: unknown; readonly json_schema?: unknown }): Constrained {
  const { grammar, json_schema: schema } = body;
  if (filled(grammar) && filled(schema)) throw invalid('Either "grammar" or "json_schema" can be used.', 'grammar');
  if (filled(schema)) return bySchema(schema, 'json_schema');
  if (!filled(grammar)) return {};
  if (typeof grammar !== 'string') throw invalid('grammar must be a text.', 'grammar');
  return { constraint: { kind: 'gbnf', grammar } };
}

/** The one that is asked for. @throws {ZellError} invalid_request when there are several */
export function onlyConstraint(a: Constrained, b: Constrained): Constrained {
  if (a.constraint !== undefined && b.constraint !== undefined)
    throw invalid('Only one of response_format, grammar and json_schema can be used.', 'response_format');
  return a.constraint === undefined ? b : a;
}

/**
 * What tools need of an answer, and the form that the client asks for: a call that is forced goes before it, a help for calls that
 * nobody asked for gives way.
 */
export function heldTo<T extends Constrained & { readonly constraintMayGo?: boolean }>(
  tools: T,
  asked: Constrained,
): T | (Omit<T, 'constraintMayGo'> & Constrained) {
  if (asked.constraint === undefined || (tools.constraint !== undefined && tools.constraintMayGo !== true))
    return tools;
  const { constraintMayGo: _, ...rest } = tools;
  return { ...rest, ...asked };
}
