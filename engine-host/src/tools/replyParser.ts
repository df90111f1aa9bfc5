/** Turns a model's text into words, thoughts and calls while it comes. */
import { callFormatOf, isHarmony, thinkingOf } from './detect.ts';
import { answer, type CallFormat, type Reading, type Thinking } from './format.ts';
import { harmony, HARMONY_MARKS } from './formats/harmony.ts';
import { hermes } from './formats/json.ts';
import { Input, type Step } from './input.ts';
import { Reply } from './reply.ts';
import type { ReplyEvent, ToolDefinition } from './types.ts';

/** How the models of one template write. */
export interface ReplyForm {
  readonly calls: CallFormat;
  readonly thinking: Thinking | undefined;
  readonly harmony: boolean;
}

/** `template`: undefined where the model has none. `ownTools`: it shows tools to the model; else we did, in our own words. */
export function replyFormOf(template: string | undefined, ownTools: boolean): ReplyForm {
  const text = template ?? '';
  const channels = isHarmony(text);
  return {
    calls: ownTools && !channels ? callFormatOf(text) : hermes,
    thinking: channels ? undefined : thinkingOf(text),
    harmony: channels,
  };
}

/** Whether answers may hold thoughts. */
export function thinks(form: ReplyForm): boolean {
  return form.harmony || form.thinking !== undefined;
}

/** Whether a model with this template may think. */
export function canThink(template: string | undefined): boolean {
  return thinks(replyFormOf(template, true));
}

/** Texts of control tokens that the parser must see. `tools`: calls are expected, too. */
export function preservedTexts(form: ReplyForm, tools: boolean): string[] {
  if (form.harmony) return [...HARMONY_MARKS];
  const { marks, strays = [], inner = [] } = form.calls;
  return [
    ...(form.thinking === undefined ? [] : [form.thinking.open, form.thinking.close]),
    ...(tools ? [...marks, ...strays, ...inner] : []),
  ];
}

/** A long text is read in pieces of so many characters: looking for marks takes time by the square of what lies there. */
const PIECE = 4096;

interface ParserOptions {
  /** Those that may be called; empty: none, and what looks like a call stays text. */
  readonly tools: readonly ToolDefinition[];
  /** The end of the prompt: a thought may have begun in it. */
  readonly promptEnd: string;
  readonly maxCalls?: number;
}

export class ReplyParser {
  readonly #input = new Input();
  readonly #reply: Reply;
  readonly #steps: Step<void>;
  #done = false;

  constructor(form: ReplyForm, { tools, promptEnd, maxCalls }: ParserOptions) {
    const schemas = new Map(tools.map((tool) => [tool.name, tool.parameters]));
    this.#reply = new Reply({
      tools: tools.length === 0 ? undefined : new Set(schemas.keys()),
      ...(maxCalls === undefined ? {} : { maxCalls }),
    });
    const reading: Reading = { input: this.#input, reply: this.#reply, schemaOf: (name) => schemas.get(name) };
    this.#steps = form.harmony
      ? harmony(reading)
      : answer(reading, form.calls, form.thinking, beginsIn(form.thinking, promptEnd));
    this.#step();
  }

  push(text: string): ReplyEvent[] {
    for (let at = 0; at < text.length; at += PIECE) {
      this.#input.add(text.slice(at, at + PIECE));
      this.#step();
    }
    return this.#reply.take();
  }

  /** The text is over. */
  end(): ReplyEvent[] {
    this.#input.end();
    this.#step();
    return this.#reply.take();
  }

  #step(): void {
    if (!this.#done) this.#done = this.#steps.next().done === true;
  }
}

/** A prompt may end within a thought that the template began. */
function beginsIn(thinking: Thinking | undefined, promptEnd: string): 'text' | 'thinking' {
  if (thinking === undefined) return 'text';
  return promptEnd.lastIndexOf(thinking.open) > promptEnd.lastIndexOf(thinking.close) ? 'thinking' : 'text';
}
