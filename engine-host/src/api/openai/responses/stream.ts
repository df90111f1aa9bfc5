/** The events of one streamed response: named, numbered, each item opened and closed before the next. */
import type { GenerateDelta } from '#protocol/generation.ts';
import type { WireError } from '#protocol/errors.ts';
import type { Call } from '../../call.ts';
import type { ChatMessage } from '../../deps.ts';
import type { Dialogue } from '../../dialogue.ts';
import type { Generation } from '../../generation.ts';
import type { ResponseStream, Written } from '../../responseStream.ts';
import { StreamedItems } from './items.ts';
import * as wire from './wire.ts';

export class ResponseEvents {
  readonly #stream: ResponseStream;
  readonly #head: wire.ResponseHead;
  readonly #items: StreamedItems;
  #next = 0;

  /** `custom`: tools whose input is a text. */
  constructor(stream: ResponseStream, head: wire.ResponseHead, custom: ReadonlySet<string>) {
    this.#stream = stream;
    this.#head = head;
    this.#items = new StreamedItems((type, rest) => this.#send(type, rest), custom);
  }

  /** Writes the whole answer. @throws {ZellError} the engine's failure, before the end was written */
  async run(
    call: Call,
    dialogue: Dialogue,
    generation: Generation,
    messages: readonly ChatMessage[],
    wantsLogprobs: boolean,
  ): Promise<void> {
    await this.#send('response.created', { response: wire.running(this.#head) });
    await this.#progress();
    const items = this.#items;
    const reader = dialogue.plain ? undefined : dialogue.reader();
    if (reader === undefined) await items.begin();
    const listener = {
      delta: ({ text, logprobs }: GenerateDelta): Written => {
        const probable = wantsLogprobs ? logprobs : undefined;
        if (reader !== undefined) return items.add(reader.push(text), probable);
        return text === '' && probable === undefined ? undefined : items.text(text, probable);
      },
      // Clients count events as life, not comments.
      idle: () => this.#progress(),
    };
    const done = await call.finish(generation, messages, listener, (text) => dialogue.spoken(text));
    if (reader !== undefined) await items.add(reader.end());
    await items.close(wire.isCut(done.result), wantsLogprobs ? done.logprobs : []);
    const response = wire.finished(this.#head, items.output, done.result);
    await this.#send(`response.${String(response['status'])}`, { response });
  }

  /** Ends a response that cannot go on: once as the error itself, once as the state of the response; clients read the one or the other. */
  async fail(error: WireError): Promise<void> {
    const code = wire.responseErrorCode(error);
    await this.#send('error', { code, message: error.message, param: null });
    await this.#send('response.failed', { response: wire.failed(this.#head, this.#items.output, error) });
  }

  #progress(): Written {
    return this.#send('response.in_progress', { response: wire.running(this.#head) });
  }

  #send(type: string, rest: object): Written {
    return this.#stream.event(type, { type, ...rest, sequence_number: this.#next++ });
  }
}
