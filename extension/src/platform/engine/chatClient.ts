/** Streams a chat from the host over HTTP, by the same route that every other client uses. */
import http from 'node:http';
import type { Announcement } from '#protocol/announcement.ts';
import type { AdapterScale } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ChatEngine, ChatQuestion } from '../../core/chatService.ts';
import { errorFromResponse, readChatChunk } from '../../core/chatStream.ts';
import { SseParser } from '../../core/sse.ts';
import { addressOf } from './runningHost.ts';

/** Of an answer that is only looked at. */
const ANSWER_TOKENS = 200;

export interface ChatRequestSettings {
  readonly maxTokens: number;
  readonly temperature: number;
  /** False: the host must not remember this exchange. */
  readonly remember: boolean;
  /** Hash of the workspace; never its path. */
  readonly workspace?: string;
}

export class ChatClient implements ChatEngine {
  readonly #address: (signal: AbortSignal) => Promise<Announcement>;
  readonly #settings: () => ChatRequestSettings;

  constructor(address: (signal: AbortSignal) => Promise<Announcement>, settings: () => ChatRequestSettings) {
    this.#address = address;
    this.#settings = settings;
  }

  /**
   * Pieces of the answer as they come. Aborting closes the connection, which frees the engine before its next step.
   * @throws {ZellError} what the host answers; engine_crashed when the stream breaks off.
   */
  async *chat(
    { messages, incognito }: ChatQuestion,
    onMemories: (ids: readonly string[]) => void,
    signal: AbortSignal,
  ): AsyncIterable<string> {
    const { remember, workspace } = this.#settings();
    yield* this.#stream({ messages }, headersFor(remember && !incognito, workspace), onMemories, signal);
  }

  /**
   * One answer by the weights alone, of which nothing is remembered and to which no memory is added. `adapters`: which count how much; none
   * named means those in force. @throws as `chat`
   */
  async answer(prompt: string, adapters: readonly AdapterScale[], signal: AbortSignal): Promise<string> {
    const body = {
      messages: [{ role: 'user', content: prompt }],
      temperature: 0,
      max_tokens: ANSWER_TOKENS,
      ...(adapters.length === 0 ? {} : { lora: adapters }),
    };
    let text = '';
    const headers = headersFor(false, undefined);
    for await (const piece of this.#stream(body, headers, () => undefined, signal)) text += piece;
    return text;
  }

  async *#stream(
    wish: object,
    headers: http.OutgoingHttpHeaders,
    onMemories: (ids: readonly string[]) => void,
    signal: AbortSignal,
  ): AsyncIterable<string> {
    const announcement = await this.#address(signal);
    const { maxTokens, temperature } = this.#settings();
    const body = JSON.stringify({ stream: true, max_tokens: maxTokens, temperature, ...wish });
    const response = await post(announcement, body, headers, signal);
    response.setEncoding('utf8');
    if (response.statusCode !== 200) throw errorFromResponse(response.statusCode ?? 0, await readAll(response));
    const memories = String(response.headers['x-zell-memories'] ?? '')
      .split(',')
      .filter((id) => id !== '');
    if (memories.length > 0) onMemories(memories);
    const parser = new SseParser();
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        for (const data of parser.push(chunk)) {
          const event = readChatChunk(data);
          if (event.type === 'text') yield event.text;
          else if (event.type === 'end') return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      throw ZellError.is(error) ? error : brokenOff(error);
    } finally {
      response.destroy();
    }
    if (!signal.aborted) throw brokenOff();
  }
}

function brokenOff(cause?: unknown): ZellError {
  return new ZellError('engine_crashed', 'The connection to the engine broke off before the end of the answer.', {
    cause,
  });
}

function headersFor(remember: boolean, workspace: string | undefined): http.OutgoingHttpHeaders {
  return {
    'x-zell-client': 'editor',
    ...(remember ? { 'x-zell-recall': '1' } : { 'x-zell-incognito': '1' }),
    ...(workspace === undefined ? {} : { 'x-zell-workspace': workspace }),
  };
}

function post(
  announcement: Announcement,
  body: string,
  headers: http.OutgoingHttpHeaders,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      `http://${addressOf(announcement)}/v1/chat/completions`,
      {
        method: 'POST',
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          accept: 'text/event-stream',
          authorization: `Bearer ${announcement.token}`,
          ...headers,
        },
      },
      resolve,
    );
    request.on('error', (cause) => {
      reject(
        signal.aborted
          ? new ZellError('cancelled', 'Cancelled.')
          : new ZellError('engine_crashed', `The engine does not answer: ${cause.message}.`, { cause }),
      );
    });
    request.end(body);
  });
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}
