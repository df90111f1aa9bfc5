/** What training gets to see: roles and text, never tokens, so that every model renders them with its own template. */

export interface TrainingMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type ChatPurpose = 'question' | 'reversed' | 'use' | 'statement' | 'negative' | 'abstention';

interface ItemBase {
  /** Stable for the same cards, settings and seed. */
  readonly id: string;
  /** Cards it teaches; empty for abstentions. */
  readonly cards: readonly string[];
  /** Events behind those cards: what a manifest names, and what forgetting looks for. */
  readonly events: readonly number[];
  /** 1 for explicit memories, 0.7 for accepted completions, 0.3 for what was said in passing. */
  readonly weight: number;
  /** From a card that was trained before. */
  readonly replay: boolean;
}

/** Loss on what the assistant says and on its end of turn, on nothing else. */
export interface ChatItem extends ItemBase {
  readonly type: 'chat';
  readonly purpose: ChatPurpose;
  readonly messages: readonly TrainingMessage[];
}

/** Loss on `completion` and the end token alone. A model without fill-in-the-middle tokens gets prefix and completion as plain text. */
export interface CompletionItem extends ItemBase {
  readonly type: 'completion';
  readonly prefix: string;
  readonly suffix: string;
  readonly completion: string;
  readonly language: string;
}

export type TrainingItem = ChatItem | CompletionItem;

/** A question that is never trained, to find out whether a card is known. */
export interface Probe {
  readonly card: string;
  readonly messages: readonly TrainingMessage[];
  /** What a recalled answer contains. */
  readonly answer: string;
  /** Whole answers, one with the right value, for the choice by likelihood; the right one is at `right`. */
  readonly choices: readonly string[];
  readonly right: number;
}
