/** The events of one streamed response: named, numbered, each item opened and closed before the next. */
import type { WireError } from '#protocol/errors.ts';
import type { Call } from '../../call.ts';
import type { ChatMessage } from '../../deps.ts';
import type { Generation } from '../../generation.ts';
import type { ResponseStream, Written } from '../../responseStream.ts';
import { textSlot } from '../../textSlot.ts';
import * as wire from './wire.ts';

const TEXT_DELTA = 'response.output_text.delta';

export class ResponseEvents {
  readonly #stream: ResponseStream;
  readonly #head: wire.ResponseHead;
  #next = 0;
  /** Items that are complete. */
  readonly #output: wire.OutputItem[] = [];

  constructor(stream: ResponseStream, head: wire.ResponseHead) {
    this.#stream = stream;
    this.#head = head;
  }

  /** Writes the whole answer. @throws {ZellError} the engine's failure, before the end was written */
  async run(call: Call, generation: Generation, messages: readonly ChatMessage[], wantsLogprobs: boolean) {
    await this.#send('response.created', { response: wire.running(this.#head) });
    await this.#progress();
    const at = { item_id: wire.newId('msg'), output_index: this.#output.length, content_index: 0 };
    await this.#send('response.output_item.added', {
      output_index: at.output_index,
      item: wire.messageItem(at.item_id, 'in_progress', []),
    });
    await this.#send('response.content_part.added', { ...at, part: wire.textPart('') });
    const delta = textSlot((text) => ({ type: TEXT_DELTA, ...at, delta: text, logprobs: [] }));
    const done = await call.finish(generation, messages, {
      delta: ({ text, logprobs }) => {
        if (wantsLogprobs && logprobs !== undefined)
          return this.#send(TEXT_DELTA, { ...at, delta: text, logprobs: wire.partLogprobs(logprobs) });
        return text === '' ? undefined : this.#json(TEXT_DELTA, delta(text));
      },
      // Clients count events as life, not comments.
      idle: () => this.#progress(),
    });
    const part = wire.textPart(done.text, wantsLogprobs ? done.logprobs : []);
    const item = wire.messageItem(at.item_id, wire.isCut(done.result) ? 'incomplete' : 'completed', [part]);
    await this.#send('response.output_text.done', { ...at, text: done.text, logprobs: part['logprobs'] });
    await this.#send('response.content_part.done', { ...at, part });
    await this.#send('response.output_item.done', { output_index: at.output_index, item });
    this.#output.push(item);
    const response = wire.finished(this.#head, this.#output, done.result);
    await this.#send(`response.${String(response['status'])}`, { response });
  }

  /** Ends a response that cannot go on: once as the error itself, once as the state of the response; clients read the one or the other. */
  async fail(error: WireError): Promise<void> {
    const code = wire.responseErrorCode(error);
    await this.#send('error', { code, message: error.message, param: null });
    await this.#send('response.failed', { response: wire.failed(this.#head, this.#output, error) });
  }

  #progress(): Written {
    return this.#send('response.in_progress', { response: wire.running(this.#head) });
  }

  #send(type: string, rest: object): Written {
    return this.#json(type, JSON.stringify({ type, ...rest }));
  }

  #json(type: string, json: string): Written {
    return this.#stream.eventJson(type, `${json.slice(0, -1)},"sequence_number":${this.#next++}}`);
  }
}
