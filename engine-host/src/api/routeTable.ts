/** Which routes there are: for 405 answers, and for whatever must not forget one. */
import type { FastifyInstance } from 'fastify';

export interface ApiRoute {
  readonly method: string;
  /** With `:name` and `*` where a client may write anything. */
  readonly url: string;
  /** The JSON Schema of its body, where it has one. */
  readonly body: unknown;
}

const TABLES = new WeakMap<FastifyInstance, ApiRoute[]>();

/** Call it before the first route. */
export function collectRoutes(app: FastifyInstance): void {
  const routes: ApiRoute[] = [];
  TABLES.set(app, routes);
  app.addHook('onRoute', ({ method, url, schema }) => {
    for (const each of [method].flat()) routes.push({ method: each, url, body: schema?.body });
  });
}

/** Every route so far, in the order in which they were made. */
export function routesOf(app: FastifyInstance): readonly ApiRoute[] {
  return TABLES.get(app) ?? [];
}

/** Those with a body of a schema; one route of each that share a schema. */
export function routesWithBodies(app: FastifyInstance): readonly ApiRoute[] {
  const seen = new Set<unknown>([undefined]);
  return routesOf(app).filter(({ body }) => !seen.has(body) && seen.add(body));
}
