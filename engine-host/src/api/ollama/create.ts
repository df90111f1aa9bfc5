/** Ollama's create requests as what the library makes. */
import { Type, type Static } from 'typebox';
import type { Making } from '../../models/modelLibrary.ts';
import type { Recipe } from '../../models/recipe.ts';
import { invalid, unsupported } from '../errors.ts';
import { anything, flag, optional, text } from '../schemas.ts';
import { digestOf } from './digest.ts';
import { Options } from './wire.ts';

const Files = optional(Type.Record(Type.String(), Type.String()));

export const CreateBody = Type.Object({
  model: text(),
  name: text(),
  from: text(),
  files: Files,
  adapters: Files,
  template: text(),
  system: text(),
  parameters: optional(Options),
  messages: optional(Type.Array(Type.Object({ role: Type.String(), content: Type.String() }), { maxItems: 1024 })),
  license: optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 64 })])),
  quantize: text(),
  modelfile: text(),
  path: text(),
  draft_files: anything(),
  stream: flag(),
});
export type CreateBody = Static<typeof CreateBody>;

/** Template languages differ: Ollama's is Go's, whose fields and ends look like this. */
const GO_TEMPLATE = /\{\{-?\s*(?:\$?\.[A-Z$]|(?:if|range|with|else|end|template|define|block)\b)/;

/** @throws {ZellError} invalid_request, unsupported */
export function makingOf(body: CreateBody): Making {
  const name = body.model ?? body.name ?? '';
  if (name.trim() === '') throw invalid('model is required', 'model');
  for (const key of ['modelfile', 'path'] as const)
    if (filled(body[key]))
      throw unsupported(`${key} is not supported; use from, files, parameters, system and template.`, key);
  if (filled(body.quantize)) throw unsupported('quantize is not supported here; "zell quantize" does it.', 'quantize');
  if (body.draft_files !== undefined && body.draft_files !== null)
    throw unsupported('draft_files are not supported.', 'draft_files');
  if (filled(body.template) && GO_TEMPLATE.test(body.template))
    throw unsupported(
      "template must be a Jinja chat template, as GGUF files hold; Ollama's own language is not read here.",
      'template',
    );
  const files = Object.entries(body.files ?? {});
  const [file] = files;
  if (!filled(body.from) && file === undefined) throw invalid("neither 'from' or 'files' was specified", 'from');
  if (filled(body.from) && file !== undefined) throw invalid("only one of 'from' and 'files' can be given", 'from');
  if (files.length > 1 || (file !== undefined && !/\.gguf$/i.test(file[0])))
    throw unsupported('files must be one .gguf file.', 'files');
  return {
    name,
    ...(filled(body.from) ? { from: body.from } : {}),
    ...(file === undefined ? {} : { file: digestOf(file[1]) }),
    recipe: recipeOf(body),
  };
}

function recipeOf(body: CreateBody): Recipe {
  const { template, system, license } = body;
  const adapters = Object.values(body.adapters ?? {}).map(digestOf);
  const parameters = parametersOf(body.parameters);
  const messages = (body.messages ?? []).map(({ role, content }) => {
    if (role !== 'system' && role !== 'user' && role !== 'assistant' && role !== 'tool')
      throw invalid(`invalid role "${role.slice(0, 40)}"`, 'messages');
    return { role, content } as const;
  });
  return {
    ...(filled(template) ? { template } : {}),
    ...(filled(system) ? { system } : {}),
    ...(parameters === undefined ? {} : { parameters }),
    ...(messages.length === 0 ? {} : { messages }),
    ...(license === undefined || license === null ? {} : { license: [license].flat() }),
    ...(adapters.length === 0 ? {} : { adapters }),
  };
}

function parametersOf(options: CreateBody['parameters']): Recipe['parameters'] {
  if (options === undefined || options === null) return undefined;
  const out: Record<string, number | string | boolean | readonly string[]> = {};
  for (const [key, value] of Object.entries(options as Readonly<Record<string, unknown>>)) {
    if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') out[key] = value;
    else if (Array.isArray(value) && value.every((v): v is string => typeof v === 'string')) out[key] = value;
    else if (value !== null && value !== undefined)
      throw invalid(`the parameter "${key.slice(0, 40)}" has a wrong type`, 'parameters');
  }
  return out;
}

function filled(value: string | null | undefined): value is string {
  return value !== undefined && value !== null && value !== '';
}
