/** `GET /openapi.json`: OpenAPI 3.1, made of the router's own list and the very schemas that check the bodies. */
import type { FastifyInstance } from 'fastify';
import { dialectOf, type Dialect } from './dialect.ts';
import { SUMMARIES, type Answer } from './openapiSummaries.ts';
import { routesOf, type ApiRoute } from './routeTable.ts';

type Json = Readonly<Record<string, unknown>>;

const CONTENT: Readonly<Record<Answer, string>> = {
  json: 'application/json',
  text: 'text/plain',
  sse: 'text/event-stream',
  ndjson: 'application/x-ndjson',
  empty: '',
};

const TITLES: Readonly<Record<Dialect, string>> = {
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  ollama: 'Ollama',
  llamacpp: 'llama.cpp',
};

const text = { type: 'string' };
const object = (properties: Json): Json => ({ type: 'object', properties, required: Object.keys(properties) });
/** How each family says that something went wrong. */
const ERRORS: Readonly<Record<Dialect, Json>> = {
  openai: object({
    error: object({
      message: text,
      type: text,
      param: { type: ['string', 'null'] },
      code: { type: ['string', 'null'] },
    }),
  }),
  anthropic: object({ type: { const: 'error' }, error: object({ type: text, message: text }), request_id: text }),
  ollama: object({ error: text }),
  llamacpp: object({ error: object({ code: { type: 'integer' }, message: text, type: text }) }),
};

export function openApiRoute(app: FastifyInstance, version: string): void {
  let made: Json | undefined;
  // All routes are known once the first request comes.
  app.get('/openapi.json', () => (made ??= openApi(routesOf(app), version)));
}

/** The document. Paths are in alphabetical order, so that it changes only where the routes do. */
export function openApi(routes: readonly ApiRoute[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  const bodies = new Bodies();
  for (const route of [...routes].sort((a, b) => (a.url < b.url ? -1 : 1))) {
    const method = route.method.toLowerCase();
    // Fastify answers HEAD wherever it answers GET.
    if (method === 'head' && routes.some((r) => r.url === route.url && r.method === 'GET')) continue;
    (paths[pathOf(route.url)] ??= {})[method] = operation(route, bodies);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Zell',
      version,
      description:
        'One local server for clients of OpenAI, Anthropic, Ollama and llama.cpp. Fields that are not listed pass and do nothing.',
      license: { name: 'see LICENSE' },
    },
    servers: [{ url: 'http://127.0.0.1:11434' }],
    security: [{}, { bearer: [] }, { key: [] }],
    tags: Object.values(TITLES).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Needed where the server was started with a key.' },
        key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
      schemas: {
        ...Object.fromEntries(Object.entries(ERRORS).map(([dialect, schema]) => [errorName(dialect), schema])),
        ...bodies.schemas,
      },
    },
  };
}

export function routeKey({ method, url }: Pick<ApiRoute, 'method' | 'url'>): string {
  return `${method} ${pathOf(url)}`;
}

/** Routes of two names share one schema. */
class Bodies {
  readonly #names = new Map<unknown, string>();

  reference({ url, body }: ApiRoute): Json {
    const words = url.match(/[a-z]+/g) ?? [];
    const plain = words.filter((word) => word !== 'v' && word !== 'api');
    // Two families may call their routes alike.
    const prefix = url.startsWith('/api/') ? ['ollama'] : [];
    const name = this.#names.get(body) ?? [...prefix, ...plain, 'body'].map(capital).join('');
    this.#names.set(body, name);
    return { $ref: `#/components/schemas/${name}` };
  }

  get schemas(): Json {
    return Object.fromEntries(
      [...this.#names].map(([body, name]) => [name, JSON.parse(JSON.stringify(body)) as unknown]),
    );
  }
}

function operation(route: ApiRoute, bodies: Bodies): Json {
  const dialect = dialectOf(route.url, {});
  const { summary, answers = ['json'] } = SUMMARIES[routeKey(route)] ?? { summary: '' };
  const content = answers.filter((answer) => answer !== 'empty').map((answer) => [CONTENT[answer], {}] as const);
  const names = [...pathOf(route.url).matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return {
    tags: [TITLES[dialect]],
    summary,
    ...(names.length === 0
      ? {}
      : { parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })) }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: bodies.reference(route) } } },
        }),
    responses: {
      200: { description: 'OK', ...(content.length === 0 ? {} : { content: Object.fromEntries(content) }) },
      default: {
        description: "An error in the family's own form.",
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${errorName(dialect)}` } } },
      },
    },
  };
}

function errorName(dialect: string): string {
  return `${capital(dialect)}Error`;
}

function capital(word: string): string {
  return `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`;
}

/** Fastify's `:digest` and `*` as OpenAPI's `{digest}` and `{id}`. */
function pathOf(url: string): string {
  return url.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{id}');
}
