/** The loaded model as learning uses it: its template, its tokens, what it writes, how likely it finds a text. Never in anybody's way. */
import type { AdapterScale, GenerateRequest, PromptPart } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { GREEDY } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import type { BaseWriter } from '../memory/dreaming/anchors.ts';
import type { TrainingMessage } from '../memory/dreaming/trainingItem.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import type { GateEngine } from '../training/gate/measure.ts';
import type { ItemRenderer } from '../training/renderItem.ts';
import type { HostEngine } from './hostEngine.ts';

export class ModelVoice implements GateEngine, ItemRenderer, BaseWriter {
  readonly eosToken: number;
  readonly fim?: NonNullable<ItemRenderer['fim']>;
  readonly #engine: Pick<HostEngine, 'call' | 'generate'>;
  readonly #templates: ChatTemplates;
  readonly #model: ModelInfo;

  /** @throws {ZellError} unsupported: a model that never ends an answer cannot be taught to */
  constructor(engine: Pick<HostEngine, 'call' | 'generate'>, templates: ChatTemplates, model: ModelInfo) {
    this.#engine = engine;
    this.#templates = templates;
    this.#model = model;
    const { eos, endOfGeneration, fim } = model.special;
    const end = eos ?? endOfGeneration[0];
    if (end === undefined) throw new ZellError('unsupported', 'This model has no token that ends an answer.');
    this.eosToken = end;
    if (fim !== undefined) this.fim = { prefix: fim.prefix, suffix: fim.suffix, middle: fim.middle };
  }

  async render(messages: readonly TrainingMessage[], signal: AbortSignal): Promise<readonly PromptPart[]> {
    const { name, chatTemplate, bosText, eosText } = this.#model;
    const source = { model: name, template: chatTemplate, bosText, eosText };
    return (await this.#templates.render(source, messages, {}, signal)).parts;
  }

  async tokenize(parts: readonly PromptPart[], addBos: boolean, signal: AbortSignal): Promise<readonly number[]> {
    return (await this.#engine.call('promptTokens', { prompt: parts, addBos }, signal)).tokens;
  }

  async score(
    prompt: readonly PromptPart[],
    continuations: readonly string[],
    adapters: readonly AdapterScale[],
    signal: AbortSignal,
  ): Promise<readonly { readonly sum: number; readonly tokens: number }[]> {
    const texts = continuations.map((text) => [{ text, special: false }]);
    const params = { forModel: this.#model.modelHash, prompt, addBos: true, continuations: texts, adapters };
    const { scores } = await this.#engine.call('score', params, signal);
    return scores.map(({ logprobs }) => ({ sum: logprobs.reduce((sum, x) => sum + x, 0), tokens: logprobs.length }));
  }

  async answer(
    prompt: readonly PromptPart[],
    maxTokens: number,
    adapters: readonly AdapterScale[],
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly ended: boolean }> {
    return this.#write({ prompt, maxTokens, adapters, sampling: GREEDY }, signal);
  }

  async free(options: Parameters<BaseWriter['free']>[0], signal: AbortSignal): Promise<string> {
    return this.#sampled([], options, signal);
  }

  async chat(prompt: string, options: Parameters<BaseWriter['chat']>[1], signal: AbortSignal): Promise<string> {
    return this.#sampled(await this.render([{ role: 'user', content: prompt }], signal), options, signal);
  }

  async #sampled(
    prompt: readonly PromptPart[],
    { temperature, maxTokens, seed }: Parameters<BaseWriter['free']>[0],
    signal: AbortSignal,
  ): Promise<string> {
    const { bos } = this.#model.special;
    // A model without a start token begins behind its end token, as its training texts did.
    const start = prompt.length > 0 ? prompt : [{ tokens: [bos ?? this.eosToken] }];
    const sampling = { ...GREEDY, temperature, seed };
    return (await this.#write({ prompt: start, maxTokens, adapters: [], sampling }, signal)).text;
  }

  async #write(
    request: Pick<GenerateRequest, 'prompt' | 'maxTokens' | 'adapters' | 'sampling'>,
    signal: AbortSignal,
  ): Promise<{ text: string; ended: boolean }> {
    let text = '';
    const whole: GenerateRequest = {
      ...request,
      forModel: this.#model.modelHash,
      addBos: true,
      stop: [],
      priority: 'learning',
    };
    for await (const event of this.#engine.generate(whole, signal)) {
      if (event.type === 'delta') text += event.text;
      if (event.type === 'failed') throw ZellError.fromWire(event.error);
      if (event.type !== 'done') continue;
      if (event.finish === 'cancelled') throw new ZellError('cancelled', 'The sleep was ended.');
      return { text, ended: event.finish !== 'length' };
    }
    throw new ZellError('engine_crashed', 'The engine ended before its answer did.');
  }
}
