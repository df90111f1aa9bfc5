/** One chat answer over HTTP, streamed, as any other client gets it. */
import type { AdapterScale } from '#protocol/generation.ts';
import { isErrorCode, ZellError } from '#protocol/errors.ts';
import type { Session } from './session.ts';

/**
 * What a command tells the model when the user tells it nothing: small models drift without it. `--system ""` leaves it to the
 * model's own template.
 */
export const DEFAULT_SYSTEM = 'You answer questions correctly and briefly.';

export interface ChatRequest {
  /** Path of the model. */
  readonly model: string;
  readonly prompt: string;
  /** Absent: `DEFAULT_SYSTEM`; empty: none. */
  readonly system?: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed?: number;
  readonly background?: boolean;
  /** Memories that fit the prompt go with it. */
  readonly recall?: boolean;
  /** The adapters that answer; absent: those that the host has in force. */
  readonly adapters?: readonly AdapterScale[];
}

export interface ChatAnswer {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly finish: string;
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly decodeTokens: number;
  readonly decodeMs: number;
  /** Ids of the memories that went with the prompt. */
  readonly memories: readonly string[];
}

/** `onText` gets the pieces as they come. @throws {ZellError} the host's error in its own words; cancelled */
export async function chat(
  session: Session,
  request: ChatRequest,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<ChatAnswer> {
  const response = await post(session, request, signal);
  const state = { text: '', tokens: [] as number[], finish: '', usage: {} as Usage, timings: {} as Timings };
  try {
    for await (const data of serverEvents(response)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error !== undefined) throw apiError(chunk.error);
      const choice = chunk.choices?.[0];
      const piece = choice?.delta?.content ?? '';
      if (piece !== '') {
        state.text += piece;
        onText(piece);
      }
      state.finish = choice?.finish_reason ?? state.finish;
      if (chunk.tokens !== undefined) state.tokens.push(...chunk.tokens);
      state.usage = chunk.usage ?? state.usage;
      state.timings = chunk.timings ?? state.timings;
    }
  } catch (error) {
    throw asChatError(error, signal);
  }
  if (state.finish === '') throw new ZellError('engine_crashed', 'The engine broke off in the middle of the answer.');
  return {
    text: state.text,
    tokens: state.tokens,
    finish: state.finish,
    promptTokens: state.usage.prompt_tokens ?? 0,
    promptMs: state.timings.prompt_ms ?? 0,
    decodeTokens: state.usage.completion_tokens ?? 0,
    decodeMs: state.timings.predicted_ms ?? 0,
    memories: (response.headers.get('x-zell-memories') ?? '').split(',').filter((id) => id !== ''),
  };
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
}
interface Timings {
  readonly prompt_ms?: number;
  readonly predicted_ms?: number;
}
interface Chunk {
  readonly error?: unknown;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly tokens?: readonly number[];
  readonly usage?: Usage | null;
  readonly timings?: Timings;
}

async function post(session: Session, request: ChatRequest, signal: AbortSignal): Promise<Response> {
  const system = request.system ?? DEFAULT_SYSTEM;
  let response: Response;
  try {
    response = await fetch(`${session.base}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'zell-cli',
        'x-zell-client': 'cli',
        authorization: `Bearer ${session.announcement.token}`,
        ...(request.background === true ? { 'x-zell-priority': 'batch' } : {}),
        ...(request.recall === true ? { 'x-zell-recall': '1' } : {}),
      },
      body: JSON.stringify({
        model: request.model,
        messages: [
          ...(system === '' ? [] : [{ role: 'system', content: system }]),
          { role: 'user', content: request.prompt },
        ],
        max_tokens: request.maxTokens,
        temperature: request.temperature,
        ...(request.seed === undefined ? {} : { seed: request.seed }),
        ...(request.adapters === undefined ? {} : { lora: request.adapters }),
        stream: true,
        stream_options: { include_usage: true },
        return_tokens: true,
      }),
      signal,
    });
  } catch (error) {
    throw asChatError(error, signal);
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: unknown } | undefined;
  throw apiError(body?.error ?? `The engine answered ${response.status}.`);
}

/** The `data:` fields of a server-sent event stream. */
async function* serverEvents(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
    buffer += decoder.decode(bytes, { stream: true });
    const lines = buffer.split('\n');
    buffer = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) yield line.slice(5).trim();
  }
}

/** An error in OpenAI's shape; our own code travels in `code`. */
function apiError(error: unknown): ZellError {
  if (typeof error === 'string') return new ZellError('internal', error);
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  return new ZellError(
    isErrorCode(code) ? code : 'internal',
    typeof message === 'string' ? message : 'The engine reported an error without a message.',
  );
}

function asChatError(error: unknown, signal: AbortSignal): unknown {
  if (ZellError.is(error)) return error;
  if (signal.aborted) return new ZellError('cancelled', 'Cancelled.');
  return new ZellError('engine_crashed', 'The connection to the engine broke. See engine.log in the Zell home.');
}
