/** `/api/tags`, `/api/ps`, `/api/show`. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { ModelChoice } from '#protocol/editor.ts';
import type { ModelSummary } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { readTensors } from '../../models/ggufTensors.ts';
import type { Recipe } from '../../models/recipe.ts';
import type { ApiContext } from '../call.ts';
import { canThink } from '../../tools/replyParser.ts';
import { invalid } from '../errors.ts';
import { installedModels, sameName } from '../openai/models.ts';
import { flag, text } from '../schemas.ts';

const ShowBody = Type.Object({ model: text(), name: text(), verbose: flag() });

export function ollamaModelRoutes(app: FastifyInstance, context: ApiContext): void {
  const since = new Date(context.identity.startedAt).toISOString();
  const listed = (m: ModelChoice) => {
    const current = context.models.current();
    const own = current !== undefined && (m.loaded || m.path === current.path) ? current : undefined;
    return {
      name: m.name,
      model: m.name,
      modified_at: since,
      size: m.bytes,
      digest: digest(m.name, m.bytes),
      details:
        own === undefined
          ? { parent_model: '', format: 'gguf', family: '', families: null, parameter_size: '', quantization_level: '' }
          : details(own),
      ...(own === undefined ? {} : { capabilities: capabilities(own) }),
    };
  };
  app.get('/api/tags', async () => ({ models: (await installedModels(context)).map(listed) }));
  app.get('/api/ps', async () => {
    const current = context.models.current();
    if (current === undefined) return { models: [] };
    const loaded = (await installedModels(context)).filter((m) => m.loaded || m.path === current.path).slice(0, 1);
    // A far date is how Ollama spells "stays".
    const expires = context.models.expiresAt?.toISOString() ?? '2318-01-01T00:00:00Z';
    const rest = { expires_at: expires, size_vram: 0, context_length: current.contextLength };
    return { models: loaded.map((m) => ({ ...listed(m), size: current.bytes, ...rest })) };
  });
  app.post<{ Body: Static<typeof ShowBody> }>('/api/show', { schema: { body: ShowBody } }, async (request) => {
    const name = request.body.model ?? request.body.name ?? '';
    if (name === '') throw invalid('model is required', 'model');
    const info = await summary(context, name);
    const fim = info.special.fim !== undefined;
    const named = await context.library.find(name);
    const recipe = named?.recipe;
    const from = named?.parent ?? info.name;
    return {
      license: recipe?.license?.join('\n') ?? licenseOf(info),
      modelfile: modelfile(from, recipe),
      parameters: parameterLines({ num_ctx: info.contextLength, ...recipe?.parameters }).join('\n'),
      // Clients look for `.Suffix` here to learn whether a model fills in the middle.
      template: (recipe?.template ?? info.chatTemplate ?? '') + (fim ? '{{- /* .Suffix */ -}}' : ''),
      ...(recipe?.system === undefined ? {} : { system: recipe.system }),
      ...(recipe?.messages === undefined ? {} : { messages: recipe.messages }),
      details: { ...details(info), parent_model: named?.parent ?? '' },
      model_info: {
        'general.architecture': info.architecture,
        'general.parameter_count': info.parameters,
        [`${info.architecture}.context_length`]: info.contextLength,
        [`${info.architecture}.embedding_length`]: info.embeddingLength,
        [`${info.architecture}.block_count`]: info.layers,
        ...info.metadata,
      },
      ...(request.body.verbose === true ? { tensors: await readTensors(info.path) } : {}),
      capabilities: capabilities(info),
      modified_at: since,
    };
  });
}

async function summary(context: ApiContext, name: string): Promise<ModelSummary> {
  const current = context.models.current();
  const choice = (await installedModels(context)).find((m) => sameName(m.name, name));
  if (current !== undefined && (sameName(current.name, name) || (choice !== undefined && choice.path === current.path)))
    return current;
  if (choice?.path === undefined) throw new ZellError('model_not_found', `model '${name.slice(0, 200)}' not found`);
  return context.engine.call('inspect', { path: choice.path, options: {} }, AbortSignal.timeout(30_000));
}

/** What the file says of its licence: the name, and where the text is. */
function licenseOf({ metadata }: ModelSummary): string {
  const said = ['general.license', 'general.license.name', 'general.license.link'].map((key) => metadata[key]);
  return said.filter((value) => typeof value === 'string' && value !== '').join('\n');
}

/** One line for each value; texts are quoted, as Modelfiles have them. */
function parameterLines(parameters: NonNullable<Recipe['parameters']>): string[] {
  return Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((v) => `${name.padEnd(30)} ${typeof v === 'string' ? JSON.stringify(v) : String(v)}`),
  );
}

function modelfile(from: string, recipe: Recipe | undefined): string {
  const block = (keyword: string, text: string | undefined): string[] =>
    text === undefined ? [] : [`${keyword} """${text}"""`];
  return [
    `FROM ${from}`,
    ...(recipe?.adapters ?? []).map((sha256) => `ADAPTER sha256:${sha256}`),
    ...block('TEMPLATE', recipe?.template),
    ...block('SYSTEM', recipe?.system),
    ...parameterLines(recipe?.parameters ?? {}).map((line) => `PARAMETER ${line.replace(/ +/, ' ')}`),
    ...(recipe?.messages ?? []).map(({ role, content }) => `MESSAGE ${role} ${content}`),
    ...block('LICENSE', recipe?.license?.join('\n')),
    '',
  ].join('\n');
}

function details(info: ModelSummary): Record<string, unknown> {
  const billions = info.parameters / 1e9;
  return {
    parent_model: '',
    format: 'gguf',
    family: info.architecture,
    families: [info.architecture],
    parameter_size: billions >= 1 ? `${billions.toFixed(1)}B` : `${(info.parameters / 1e6).toFixed(2)}M`,
    quantization_level: info.quantization,
    context_length: info.contextLength,
    embedding_length: info.embeddingLength,
  };
}

function capabilities(info: ModelSummary): string[] {
  return [
    'completion',
    // A model whose template knows no tools gets them described.
    'tools',
    ...(info.special.fim === undefined ? [] : ['insert']),
    ...(canThink(info.chatTemplate) ? ['thinking'] : []),
  ];
}

/** Stable and unlike others; it is not the file's hash, which takes minutes for a large one. */
function digest(name: string, bytes: number): string {
  return createHash('sha256').update(`${name}\n${bytes}`).digest('hex');
}
