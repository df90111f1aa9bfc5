/** What goes into a chat template and what comes out. */
import type { PromptPart } from '#protocol/engine.ts';

export interface TemplateMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
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
  /** Messages with role `tool` appear. */
  readonly tool: boolean;
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
  /** Random digits for the marks, base 16. */
  readonly nonce: string;
  readonly maxOutput: number;
}

export type RenderReply =
  | { readonly id: number; readonly ok: true; readonly prompt: Omit<RenderedPrompt, 'fallback'> }
  | { readonly id: number; readonly ok: false; readonly message: string };
