/** `/tokenize`, `/detokenize`, `/apply-template`. They run beside generations. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Call, templateVariables, type ApiContext } from '../call.ts';
import { invalid } from '../errors.ts';
import { readMessage } from '../openai/chatRead.ts';
import { ChatMessages } from '../openai/schema.ts';
import { flag, optional, record, text } from '../schemas.ts';
import { functionTools } from '../toolInput.ts';

const TokenizeBody = Type.Object({
  model: text(),
  content: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.Union([Type.String(), Type.Integer({ minimum: 0 })]))]),
  ),
  add_special: flag(),
  parse_special: flag(),
  with_pieces: flag(),
});
const DetokenizeBody = Type.Object({ model: text(), tokens: Type.Array(Type.Integer({ minimum: 0 })) });
const TemplateBody = Type.Object({
  model: text(),
  messages: ChatMessages,
  tools: optional(Type.Array(Type.Unknown())),
  chat_template_kwargs: record(),
});

/** Each is a call of its own. */
const MAX_TEXTS = 4096;

export function tokenRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: Static<typeof TokenizeBody> }>(
    '/tokenize',
    { schema: { body: TokenizeBody } },
    async (request, reply) => {
      const { body } = request;
      const pieces = [body.content ?? []].flat();
      if (pieces.filter((piece) => typeof piece === 'string').length > MAX_TEXTS)
        throw invalid(`At most ${MAX_TEXTS} texts can be given at once.`, 'content');
      const call = await Call.open(context, request, reply, body.model);
      const tokens: number[] = [];
      for (const [i, piece] of pieces.entries()) {
        if (typeof piece === 'number') tokens.push(known(piece, call.model.vocabularySize));
        else {
          const params = {
            text: piece,
            addSpecial: body.add_special === true && i === 0,
            parseSpecial: body.parse_special !== false,
          };
          for (const token of (await context.engine.call('tokenize', params, call.signal)).tokens) tokens.push(token);
        }
      }
      if (body.with_pieces !== true) return { tokens };
      const spelt = await context.engine.call('pieces', { tokens }, call.signal);
      return { tokens: tokens.map((id, i) => ({ id, piece: pieceOf(spelt.pieces[i] ?? '') })) };
    },
  );
  app.post<{ Body: Static<typeof DetokenizeBody> }>(
    '/detokenize',
    { schema: { body: DetokenizeBody } },
    async (request, reply) => {
      const call = await Call.open(context, request, reply, request.body.model);
      const tokens = request.body.tokens.map((t) => known(t, call.model.vocabularySize));
      return { content: (await context.engine.call('detokenize', { tokens }, call.signal)).text };
    },
  );
  app.post<{ Body: Static<typeof TemplateBody> }>(
    '/apply-template',
    { schema: { body: TemplateBody } },
    async (request, reply) => {
      const { body } = request;
      const call = await Call.open(context, request, reply, body.model);
      const messages = body.messages.map(readMessage);
      const variables = templateVariables(body.chat_template_kwargs);
      const { parts } = await call.render(messages, variables, functionTools(body.tools));
      return { prompt: parts.map((p) => ('text' in p ? p.text : '')).join('') };
    },
  );
}

function known(token: number, vocabularySize: number): number {
  if (token >= vocabularySize) throw invalid('This model has no such token.', 'tokens');
  return token;
}

/** Text, or the bytes of a piece that is only part of a character. */
function pieceOf(base64: string): string | number[] {
  const bytes = Buffer.from(base64, 'base64');
  const piece = bytes.toString('utf8');
  return Buffer.from(piece, 'utf8').equals(bytes) ? piece : [...bytes];
}
