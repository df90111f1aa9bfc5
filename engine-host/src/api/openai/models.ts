/** `/v1/models`: one list for OpenAI's and Anthropic's clients. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { ZellError } from '#protocol/errors.ts';
import type { ModelChoice } from '#protocol/editor.ts';
import type { ApiContext } from '../call.ts';
import { invalid } from '../errors.ts';

const PageQuery = Type.Object({
  limit: Type.Optional(Type.String({ pattern: '^(?:[1-9][0-9]{0,2}|1000)$' })),
  after_id: Type.Optional(Type.String()),
  before_id: Type.Optional(Type.String()),
});
type PageQuery = Static<typeof PageQuery>;

export function modelRoutes(app: FastifyInstance, context: ApiContext): void {
  const entry = (model: ModelChoice): Record<string, unknown> => {
    const current = context.models.current();
    const loaded = current !== undefined && (model.loaded || current.name === model.name);
    return {
      id: model.name,
      object: 'model',
      type: 'model',
      created: Math.floor(context.identity.startedAt / 1000),
      created_at: new Date(context.identity.startedAt).toISOString(),
      owned_by: 'zell',
      display_name: model.title,
      loaded,
      architecture: { input_modalities: ['text'], output_modalities: ['text'] },
      ...(loaded
        ? {
            meta: {
              n_ctx: current.contextLength,
              n_ctx_train: current.contextLength,
              n_vocab: current.vocabularySize,
              n_embd: current.embeddingLength,
              n_params: current.parameters,
              size: current.bytes,
            },
          }
        : {}),
    };
  };
  for (const base of ['/v1/models', '/models']) {
    app.get<{ Querystring: PageQuery }>(base, { schema: { querystring: PageQuery } }, async (request) => {
      const { models, more } = page(await installedModels(context), request.query);
      return {
        object: 'list',
        data: models.map(entry),
        has_more: more,
        first_id: models[0]?.name ?? null,
        last_id: models.at(-1)?.name ?? null,
      };
    });
    app.get<{ Params: { '*': string } }>(`${base}/*`, async (request) => {
      const name = request.params['*'];
      const model = (await installedModels(context)).find((m) => sameName(m.name, name));
      if (model === undefined) throw new ZellError('model_not_found', 'There is no model of that name here.');
      return entry(model);
    });
  }
}

/** The part of the list that Anthropic's clients ask for; without a limit all of it. @throws {ZellError} for an id that is not in it */
function page(all: readonly ModelChoice[], query: PageQuery): { models: readonly ModelChoice[]; more: boolean } {
  const { after_id: after, before_id: before } = query;
  const limit = query.limit === undefined ? all.length : Number(query.limit);
  const place = (id: string, param: string): number => {
    const at = all.findIndex((m) => sameName(m.name, id));
    if (at < 0) throw invalid(`${param}: there is no model of that name here.`, param);
    return at;
  };
  const start = after === undefined ? 0 : place(after, 'after_id') + 1;
  const end = before === undefined ? all.length : place(before, 'before_id');
  const range = all.slice(start, Math.max(start, end));
  // Going back, the page is the one that ends before the named model.
  const models = before === undefined ? range.slice(0, limit) : range.slice(Math.max(0, range.length - limit));
  return { models, more: models.length < range.length };
}

/** What is on this disk; the loaded one first, also when it is not in any list. */
export async function installedModels(context: ApiContext): Promise<ModelChoice[]> {
  const list = (await context.models.list(new AbortController().signal)).filter((m) => m.installed);
  const current = context.models.current();
  if (current === undefined || list.some((m) => m.loaded || m.path === current.path))
    return list.sort((a, b) => Number(b.loaded) - Number(a.loaded));
  const { name, path, bytes } = current;
  return [{ name, title: name, path, bytes, note: '', installed: true, fits: true, loaded: true }, ...list];
}

/** Names are compared as Ollama does: without case, `name` is `name:latest`. */
export function sameName(a: string, b: string): boolean {
  const plain = (name: string): string =>
    name
      .toLowerCase()
      .replace(/:latest$/, '')
      .replace(/\.gguf$/, '');
  return plain(a) === plain(b);
}
