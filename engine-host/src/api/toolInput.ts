/** Tools, choices and calls in requests, as ours. */
import type { JsonObject, ToolCall, ToolChoice, ToolDefinition } from '../tools/types.ts';
import { invalid } from './errors.ts';

const MAX_TOOLS = 512;
/** Names stand between marks of many formats; these characters would end them. */
const NAME = /^[^\s<>[\]{}()"'`|｜=,;]{1,256}$/u;

interface GivenTool {
  readonly name?: unknown;
  readonly description?: unknown;
  readonly parameters?: unknown;
}

/**
 * OpenAI's and Ollama's `{type: "function", function: {…}}`. Tools of other types, which a vendor's own server would run, are left out: the model
 * cannot call them. @throws {ZellError}
 */
export function functionTools(tools: readonly unknown[] | null | undefined): ToolDefinition[] {
  return defined(
    (tools ?? []).flatMap((tool) => {
      const { type, function: given } = object(tool) as { type?: unknown; function?: unknown };
      return type === undefined || type === 'function' ? [object(given)] : [];
    }),
  );
}

/** Anthropic's, flat with `input_schema`; those without one run at the vendor's and are left out. @throws {ZellError} */
export function schemaTools(tools: readonly unknown[] | null | undefined): ToolDefinition[] {
  return defined(
    (tools ?? []).flatMap((tool) => {
      const given = object(tool);
      const parameters = given['input_schema'];
      return parameters === undefined || parameters === null ? [] : [{ ...given, parameters }];
    }),
  );
}

function defined(given: readonly GivenTool[]): ToolDefinition[] {
  if (given.length > MAX_TOOLS) throw invalid(`At most ${MAX_TOOLS} tools are allowed.`, 'tools');
  const names = new Set<string>();
  return given.map(({ name, description, parameters }) => {
    if (typeof name !== 'string' || !NAME.test(name))
      throw invalid('Each tool needs a name of at most 256 characters without spaces, quotes and brackets.', 'tools');
    if (names.has(name)) throw invalid(`Two tools are called "${name}".`, 'tools');
    names.add(name);
    // Says nothing about the arguments, and every token counts.
    const { $schema: _, ...schema } = parameters === undefined || parameters === null ? EMPTY : object(parameters);
    return { name, description: typeof description === 'string' ? description : '', parameters: schema };
  });
}

const EMPTY: JsonObject = { type: 'object', properties: {} };

function object(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('Tools and their parameters must be objects.', 'tools');
  return value as JsonObject;
}

/** What a request wants of its tools. */
export interface ToolWish {
  readonly tools: readonly ToolDefinition[];
  readonly choice: ToolChoice;
  /** Several calls in one answer are fine. */
  readonly parallel: boolean;
}

/** @throws {ZellError} for a choice that these tools cannot meet */
export function toolWish(tools: readonly ToolDefinition[], choice: ToolChoice, parallel = true): ToolWish {
  if (typeof choice === 'object' && !tools.some((tool) => tool.name === choice.name))
    throw invalid(`tool_choice names "${choice.name.slice(0, 100)}", which is none of the tools.`, 'tool_choice');
  if (choice === 'required' && tools.length === 0)
    throw invalid('tool_choice asks for a call, but there are no tools.', 'tool_choice');
  return { tools, choice, parallel };
}

/** OpenAI's `tool_choice`. @throws {ZellError} */
export function openaiChoice(choice: unknown): ToolChoice {
  if (choice === undefined || choice === null) return 'auto';
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice;
  const {
    type,
    function: named,
    name,
    allowed_tools: allowed,
  } = (typeof choice === 'object' ? choice : {}) as {
    type?: unknown;
    function?: { name?: unknown } | null;
    name?: unknown;
    allowed_tools?: { mode?: unknown } | null;
  };
  if (type === 'allowed_tools') return allowed?.mode === 'required' ? 'required' : 'auto';
  const wanted = named?.name ?? name;
  if (typeof wanted !== 'string')
    throw invalid('tool_choice must be "none", "auto", "required" or name a function.', 'tool_choice');
  return { name: wanted };
}

/** An earlier call; its arguments are an object, or the text of one. What is no object is handed on as `input`. */
export function earlierCall(id: unknown, name: unknown, input: unknown, fallbackId: string): ToolCall {
  let value = input;
  if (typeof input === 'string') {
    try {
      value = input.trim() === '' ? {} : (JSON.parse(input) as unknown);
    } catch {
      value = { input };
    }
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return {
    id: typeof id === 'string' && id !== '' ? id : fallbackId,
    name: typeof name === 'string' ? name : '',
    arguments: isObject ? (value as JsonObject) : value === undefined || value === null ? {} : { input: value },
  };
}
