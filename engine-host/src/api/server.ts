/** The HTTP server with all routes. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ZellError } from '#protocol/errors.ts';
import { ChatTemplates } from '../templates/chatTemplates.ts';
import { refuse, type AccessPolicy } from './access.ts';
import { anthropicRoutes } from './anthropic/messages.ts';
import { acceptAnyJson, MAX_BODY_BYTES } from './body.ts';
import type { ApiContext } from './call.ts';
import type { ApiDeps } from './deps.ts';
import { dialectOf } from './dialect.ts';
import { endEarlyStreams } from './earlyStream.ts';
import { errorReply, HttpError, publicError } from './errors.ts';
import { healthRoutes } from './health.ts';
import { adapterRoutes } from './llamacpp/adapters.ts';
import { completionRoutes } from './llamacpp/completion.ts';
import { infillRoutes } from './llamacpp/infill.ts';
import { propsRoutes } from './llamacpp/props.ts';
import { slotRoutes } from './llamacpp/slots.ts';
import { tokenRoutes } from './llamacpp/tokens.ts';
import { metricsRoute } from './metrics.ts';
import { openApiRoute } from './openapi.ts';
import { ollamaBlobRoutes } from './ollama/blobs.ts';
import { ollamaChatRoutes } from './ollama/chat.ts';
import { ollamaEmbedRoutes } from './ollama/embed.ts';
import { ollamaGenerateRoutes } from './ollama/generate.ts';
import { ollamaLibraryRoutes } from './ollama/library.ts';
import { ollamaModelRoutes } from './ollama/models.ts';
import { openaiChatRoutes } from './openai/chat.ts';
import { openaiCompletionRoutes } from './openai/completions.ts';
import { embeddingRoutes } from './openai/embeddings.ts';
import { modelRoutes } from './openai/models.ts';
import { responsesRoutes } from './openai/responses/route.ts';
import { collectRoutes, routesOf } from './routeTable.ts';
import { compileValidator } from './validator.ts';

const MAX_CONNECTIONS = 1024;

/**
 * All routes on one Fastify instance. `await app.ready()` before listening on `app.server` directly; `app.close()` also ends the
 * template process.
 */
export function createApi(deps: ApiDeps): FastifyInstance {
  const own = deps.templates === undefined ? new ChatTemplates() : undefined;
  const context: ApiContext = { ...deps, templates: deps.templates ?? (own as ChatTemplates) };
  const policy: AccessPolicy = {
    apiKey: deps.apiKey,
    token: deps.token,
    allowedHosts: deps.allowedHosts ?? [],
    allowedOrigins: deps.allowedOrigins ?? [],
  };
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    // For receiving a request, be it a whole model; bodies of JSON have less time. Answers may take as long as they like.
    requestTimeout: 3_600_000,
    connectionTimeout: 0,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
    // We answer 403 to a missing Host ourselves; slow heads do not hold a connection for long.
    http: { requireHostHeader: false, headersTimeout: 20_000 },
    frameworkErrors: (error, request, reply) => {
      const raw = refuse(request.raw, policy);
      fail(context, raw ?? new ZellError('not_found', `Not found (${error.code}).`), request, reply);
    },
  });
  // More would be descriptors that the log and the models need.
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setValidatorCompiler(compileValidator);
  collectRoutes(app);
  endEarlyStreams(app, context);
  app.addHook('onRequest', async (request, reply) => {
    const refusal = refuse(request.raw, policy);
    if (refusal !== undefined) {
      // Also when the body came already: nobody is refused twice on one connection.
      reply.header('connection', 'close');
      throw refusal;
    }
    if (request.headers.origin !== undefined) await cors(request, reply, policy);
  });
  acceptAnyJson(app, deps.bodyMs);
  app.setErrorHandler((error: FastifyError | ZellError, request, reply) => fail(context, error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = new Set(routesOf(app).flatMap(({ url, method }) => (url === path ? [method] : [])));
    if (allowed.size === 0) {
      fail(context, new ZellError('not_found', 'There is no such route.'), request, reply);
      return;
    }
    reply.header('allow', [...allowed].join(', '));
    fail(context, new HttpError(405, 'invalid_request', `${request.method} is not allowed here.`), request, reply);
  });
  healthRoutes(app, context);
  metricsRoute(app, context);
  modelRoutes(app, context);
  openaiChatRoutes(app, context);
  openaiCompletionRoutes(app, context);
  responsesRoutes(app, context);
  anthropicRoutes(app, context);
  embeddingRoutes(app, context);
  ollamaModelRoutes(app, context);
  ollamaLibraryRoutes(app, context);
  ollamaBlobRoutes(app, context);
  ollamaEmbedRoutes(app, context);
  ollamaChatRoutes(app, context);
  ollamaGenerateRoutes(app, context);
  completionRoutes(app, context);
  infillRoutes(app, context);
  tokenRoutes(app, context);
  propsRoutes(app, context);
  adapterRoutes(app, context);
  slotRoutes(app, context);
  openApiRoute(app, deps.identity.version);
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Who is refused is not asked for a body first.
    if (refuse(request, policy) === undefined) response.writeContinue();
    app.server.emit('request', request, response);
  });
  app.addHook('onClose', () => own?.close());
  return app;
}

/** Headers for the configured web origins only; others never get here. */
async function cors(request: FastifyRequest, reply: FastifyReply, policy: AccessPolicy): Promise<void> {
  const { origin } = request.headers;
  if (origin === undefined || !policy.allowedOrigins.includes(origin)) return;
  reply.header('access-control-allow-origin', origin);
  reply.header('vary', 'origin');
  if (request.method !== 'OPTIONS') return;
  const asked = request.headers['access-control-request-headers'];
  reply.header('access-control-allow-methods', 'GET, POST, HEAD, DELETE, OPTIONS');
  if (typeof asked === 'string') {
    const fine = asked
      .split(',')
      .filter((h) =>
        /^\s*(authorization|content-type|accept|user-agent|x-api-key|x-(stainless|zell)-[\w-]+|anthropic-[\w-]+|openai-[\w-]+)\s*$/i.test(
          h,
        ),
      );
    reply.header('access-control-allow-headers', fine.join(','));
  }
  await reply.code(204).send();
}

/** Answers with the family's error. */
function fail(
  context: ApiContext,
  error: FastifyError | ZellError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = expected(error);
  if (!ZellError.is(known)) context.onBug?.(error, request.routeOptions.url ?? '');
  const status = error instanceof HttpError ? error.status : undefined;
  const dialect = dialectOf(request.url, request.headers);
  const answer = errorReply(dialect, publicError(known), request.id, status);
  if (isBodyOnItsWay(request.raw)) reply.header('connection', 'close');
  void reply.code(answer.status).headers(answer.headers).type('application/json; charset=utf-8').send(answer.body);
}

/** The rest of a refused body is not worth waiting for. */
function isBodyOnItsWay({ complete, headers }: IncomingMessage): boolean {
  return !complete && ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined);
}

/** Fastify's own failures as ours. */
function expected(error: FastifyError | ZellError): Error {
  if (ZellError.is(error)) return error;
  if (error.validation !== undefined) return new ZellError('invalid_request', error.message.slice(0, 300));
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ZellError('invalid_request', 'missing request body');
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new ZellError('invalid_request', error.message.slice(0, 300))
        : error;
  }
}
