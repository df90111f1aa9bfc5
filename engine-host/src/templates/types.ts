/** What goes into a chat template and what comes out. */
import type { PromptPart } from '#protocol/generation.ts';
import type { ToolCall, ToolDefinition } from '../tools/types.ts';

export interface TemplateMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** What the assistant thought before it; templates keep it or not. */
  readonly thinking?: string;
  /** Calls that the assistant made, never an empty list. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of a tool's result: the id of the call that it answers. */
  readonly toolCallId?: string;
}

/** What goes into a template beside the messages. */
export interface TemplateExtras {
  readonly variables?: TemplateVariables;
  /** Tools that the model may call. */
  readonly tools?: readonly ToolDefinition[];
}

/** The parts of a model that a template needs. `template` undefined: the ChatML fallback. */
export interface TemplateSource {
  /** Names the template in errors. */
  readonly model: string;
  readonly template: string | undefined;
  readonly bosText: string;
  readonly eosText: string;
}

/** Extra variables for a template (`enable_thinking` …). No free text: it would come from a client and stay unmarked. */
export type TemplateVariables = Readonly<Record<string, string | number | boolean>>;

/** What a template can do; probed once per template. */
export interface TemplateCapabilities {
  /** A first message with role `system` appears in the prompt. */
  readonly system: boolean;
  /** A `system` message after the first user message is accepted and appears. */
  readonly midSystem: boolean;
  /** Two messages of one role in a row are accepted and both appear. */
  readonly consecutive: boolean;
  /** The first message after the system may be the assistant's. */
  readonly assistantFirst: boolean;
  /** Messages with role `tool` appear, also without a call before them. */
  readonly tool: boolean;
  /** Definitions of tools appear. */
  readonly tools: boolean;
  /** Calls of the assistant and the results behind them appear. */
  readonly toolCalls: boolean;
  /** Several calls in one message do, too. */
  readonly parallelCalls: boolean;
  /** Ids of calls must have 9 letters and digits (Mistral). */
  readonly shortIds: boolean;
  /** A user's message may follow a tool's result. */
  readonly userAfterTool: boolean;
  /** Thoughts may stand beside words in a message with calls. */
  readonly thinkingWithCalls: boolean;
  /** Whether `content` must be a list of text parts. */
  readonly contentParts: boolean;
}

export interface RenderedPrompt {
  /** Template text has `special: true`, what came from messages `special: false`. */
  readonly parts: readonly PromptPart[];
  readonly capabilities: TemplateCapabilities;
  /** The model has no template of its own; ChatML was used. */
  readonly fallback: boolean;
  /**
   * `marked`: cut exactly at the contents. `neutralised`: the template looks into contents, so that only those texts within them
   * that could be control tokens were cut out.
   */
  readonly method: 'marked' | 'neutralised';
}

/** One job for the worker. */
export interface RenderJob {
  readonly id: number;
  readonly hash: string;
  readonly template: string;
  readonly bosText: string;
  readonly eosText: string;
  readonly messages: readonly TemplateMessage[];
  readonly variables: TemplateVariables;
  readonly tools: readonly ToolDefinition[];
  /** Random digits for the marks, base 16. */
  readonly nonce: string;
  readonly maxOutput: number;
}

export type RenderReply =
  | { readonly id: number; readonly ok: true; readonly prompt: Omit<RenderedPrompt, 'fallback'> }
  | { readonly id: number; readonly ok: false; readonly message: string };
