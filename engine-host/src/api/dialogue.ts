/** How a model is asked for an answer that may think and call tools, and how its text is read. */
import { randomBytes } from 'node:crypto';
import type { PromptPart } from '#protocol/generation.ts';
import type { TemplateVariables } from '../templates/types.ts';
import { Answer } from '../tools/answer.ts';
import { correctCalls, forcedCalls } from '../tools/forced.ts';
import { preservedTexts, ReplyParser, replyFormOf, thinks, type ReplyForm } from '../tools/replyParser.ts';
import type { ReplyEvent, ToolDefinition } from '../tools/types.ts';
import type { Call, GenerationInput } from './call.ts';
import { joinTexts, toolCallText } from './content.ts';
import type { ChatMessage } from './deps.ts';
import type { ToolWish } from './toolInput.ts';

/** Whether the model shall think before it answers, and how much; undefined: as its template does by itself. */
export type ThinkWish = boolean | 'low' | 'medium' | 'high' | undefined;

export interface DialogueWish {
  readonly tools?: ToolWish;
  readonly think?: ThinkWish;
  /** The client's own; they go before those that `think` means. */
  readonly variables?: TemplateVariables;
  /** What ids of calls begin with. */
  readonly idPrefix?: string;
}

/** Models with fewer weights get the form of a call wrong often enough that they are held to it. */
const SMALL_MODEL = 3e9;
const NO_TOOLS: ToolWish = { tools: [], choice: 'none', parallel: true };

export class Dialogue {
  readonly parts: readonly PromptPart[];
  /** What the engine must know beside the prompt. */
  readonly input: Pick<GenerationInput, 'preserved' | 'constraint' | 'constraintMayGo'>;
  readonly #form: ReplyForm;
  readonly #wish: DialogueWish;
  readonly #promptEnd: string;

  private constructor(parts: readonly PromptPart[], form: ReplyForm, wish: DialogueWish, parameters: number) {
    this.parts = parts;
    this.#wish = wish;
    const last = parts.at(-1);
    this.#promptEnd = last !== undefined && 'text' in last && last.special ? last.text : '';
    const { choice, parallel } = wish.tools ?? NO_TOOLS;
    const callable = this.#callable;
    const forced =
      choice === 'auto' || choice === 'none' ? undefined : forcedCalls(form, callable, parallel, this.#promptEnd);
    this.#form = forced?.form ?? form;
    const helped =
      forced === undefined && parameters < SMALL_MODEL ? correctCalls(form, callable, parallel) : undefined;
    const preserved = preservedTexts(this.#form, callable.length > 0);
    this.input = {
      ...(preserved.length === 0 ? {} : { preserved }),
      ...(forced === undefined ? {} : { constraint: forced.constraint }),
      ...(helped === undefined ? {} : { constraint: helped, constraintMayGo: true }),
    };
  }

  /** Renders the conversation for the model of `call`. @throws {ZellError} template_failed */
  static async open(call: Call, messages: readonly ChatMessage[], wish: DialogueWish = {}): Promise<Dialogue> {
    const shown = wish.tools === undefined || wish.tools.choice === 'none' ? [] : wish.tools.tools;
    const variables = { ...thinkVariables(wish.think), ...wish.variables };
    const { parts, capabilities } = await call.render(messages, variables, shown);
    return new Dialogue(parts, replyFormOf(call.model.chatTemplate, capabilities.tools), wish, call.model.parameters);
  }

  /** True where the text is nothing but words: then nobody need look into it. */
  get plain(): boolean {
    return this.#callable.length === 0 && !thinks(this.#form);
  }

  reader(): AnswerReader {
    const parser = new ReplyParser(this.#form, {
      tools: this.#callable,
      promptEnd: this.#promptEnd,
      ...(this.#wish.tools?.parallel === false ? { maxCalls: 1 } : {}),
    });
    return new AnswerReader(parser, this.#wish.idPrefix ?? 'call_');
  }

  /** The answer that a whole text is. */
  read(text: string): Answer {
    const reader = this.reader();
    reader.push(text);
    reader.end();
    return reader.answer;
  }

  /** What of a text is said, for the memory: words, and calls as text. Thoughts are not. */
  spoken(text: string): string {
    if (this.plain) return text;
    const { text: words, calls } = this.read(text);
    return joinTexts(words, ...calls.map((call) => toolCallText(call.name, call.arguments)));
  }

  get #callable(): readonly ToolDefinition[] {
    const { tools } = this.#wish;
    if (tools === undefined || tools.choice === 'none') return [];
    const { choice } = tools;
    return typeof choice === 'object' ? tools.tools.filter((tool) => tool.name === choice.name) : tools.tools;
  }
}

/** An event, and of one that begins a call its id. */
export type IdentifiedEvent = ReplyEvent & { readonly id?: string };

/** Reads one answer as it comes. */
class AnswerReader {
  readonly #parser: ReplyParser;
  readonly answer: Answer;

  constructor(parser: ReplyParser, idPrefix: string) {
    this.#parser = parser;
    this.answer = new Answer(() => idPrefix + randomBytes(12).toString('hex'));
  }

  push(text: string): IdentifiedEvent[] {
    return this.#note(this.#parser.push(text));
  }

  /** The text is over. */
  end(): IdentifiedEvent[] {
    return this.#note(this.#parser.end());
  }

  #note(events: readonly ReplyEvent[]): IdentifiedEvent[] {
    return events.map((event) => {
      const id = this.answer.add(event);
      return id === undefined ? event : { ...event, id };
    });
  }
}

/** Templates call the same switch differently; those that they do not know do nothing. */
function thinkVariables(think: ThinkWish): TemplateVariables {
  if (think === undefined) return {};
  const on = think !== false;
  const effort = typeof think === 'string' ? { reasoning_effort: think } : {};
  return { enable_thinking: on, thinking: on, ...effort };
}
