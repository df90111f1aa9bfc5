/** What each route is for, in a line, and in which forms it answers. Data only. */

/** `sse` and `ndjson`: where the request asks for a stream, or does not ask for none. */
export type Answer = 'json' | 'text' | 'sse' | 'ndjson' | 'empty';

export interface RouteSummary {
  readonly summary: string;
  /** Default: JSON alone. */
  readonly answers?: readonly Answer[];
}

const SSE = ['json', 'sse'] as const;
const NDJSON = ['json', 'ndjson'] as const;

const chat: RouteSummary = { summary: 'Answers a conversation.', answers: SSE };
const responses: RouteSummary = { summary: 'Answers a conversation of items; nothing is stored.', answers: SSE };
const inputTokens: RouteSummary = { summary: 'Counts the tokens of what `/v1/responses` would read.' };
const models: RouteSummary = { summary: 'Models on this disk.' };
const model: RouteSummary = { summary: 'One model of this disk.' };
const health: RouteSummary = { summary: 'Whether the engine answers, and how long its queue is.' };
const completion: RouteSummary = { summary: 'Goes on from a raw prompt, llama.cpp’s form.', answers: SSE };
const embedding: RouteSummary = { summary: 'Vectors of texts, llama.cpp’s form.' };

/** By method and path as the document spells them. */
export const SUMMARIES: Readonly<Record<string, RouteSummary>> = {
  'GET /': { summary: 'Says that a server is here.', answers: ['text'] },
  'GET /health': health,
  'GET /v1/health': health,
  'GET /metrics': { summary: 'Counters in Prometheus’ format.', answers: ['text'] },
  'GET /openapi.json': { summary: 'This document.' },
  'GET /v1/models': models,
  'GET /models': models,
  'GET /v1/models/{id}': model,
  'GET /models/{id}': model,
  'POST /v1/chat/completions': chat,
  'POST /chat/completions': chat,
  'POST /v1/completions': { summary: 'Goes on from raw prompts.', answers: SSE },
  'POST /v1/responses': responses,
  'POST /responses': responses,
  'POST /v1/responses/input_tokens': inputTokens,
  'POST /responses/input_tokens': inputTokens,
  'POST /v1/embeddings': { summary: 'Vectors of texts.' },
  'POST /v1/messages': { summary: 'Answers a conversation.', answers: SSE },
  'POST /v1/messages/count_tokens': { summary: 'Counts the tokens of what `/v1/messages` would read.' },
  'GET /api/version': { summary: 'The version of Ollama whose routes are here, and Zell’s own.' },
  'GET /api/tags': models,
  'GET /api/ps': { summary: 'The loaded model, and when it goes.' },
  'POST /api/show': { summary: 'What a model is.' },
  'POST /api/chat': {
    summary: 'Answers a conversation; without messages loads or unloads the model.',
    answers: NDJSON,
  },
  'POST /api/generate': { summary: 'Answers a prompt; without one loads or unloads the model.', answers: NDJSON },
  'POST /api/embed': { summary: 'Vectors of texts.' },
  'POST /api/embeddings': { summary: 'The vector of a text, the older form.' },
  'POST /api/pull': { summary: 'Brings a model here, verified.', answers: NDJSON },
  'POST /api/create': { summary: 'Makes a model out of another one or of an uploaded file.', answers: NDJSON },
  'POST /api/copy': { summary: 'Gives a model a second name.', answers: ['empty'] },
  'DELETE /api/delete': { summary: 'Takes a name away, and the file with its last name.', answers: ['empty'] },
  'HEAD /api/blobs/{digest}': { summary: 'Whether a file of this SHA-256 is here.', answers: ['empty'] },
  'POST /api/blobs/{digest}': {
    summary: 'Uploads the file of this SHA-256; the body is the file.',
    answers: ['empty'],
  },
  'POST /completion': completion,
  'POST /completions': completion,
  'POST /infill': { summary: 'Fills in between a prefix and a suffix.', answers: SSE },
  'POST /embedding': embedding,
  'POST /embeddings': embedding,
  'POST /tokenize': { summary: 'The tokens of a text.' },
  'POST /detokenize': { summary: 'The text of tokens.' },
  'POST /apply-template': { summary: 'A conversation as the model’s prompt.' },
  'GET /props': { summary: 'The loaded model and its defaults.' },
  'POST /props': { summary: 'Changing them, which is refused.' },
  'GET /slots': { summary: 'What the engine’s slots do.' },
  'POST /slots/{id}': { summary: 'Saving and restoring a slot, which is refused.' },
  'GET /lora-adapters': { summary: 'The loaded LoRA adapters.' },
  'POST /lora-adapters': { summary: 'Their scales for requests that name none.' },
};
