/**
 * A conversation is a hash chain over its messages. A client that sends its whole history each turn is recognised by the chain of
 * the prefix that is already in the log, and only what follows is new.
 */
import { createHmac } from 'node:crypto';

export interface ChainMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

/** What a history is, measured against what is known. */
export interface ChainedTurn {
  /** The user's new words: all user messages behind the known prefix, or the last one when nothing is known. */
  readonly prompt: string;
  /** Chain value of the known prefix; undefined for a new conversation. */
  readonly parent: string | undefined;
  /** Chain value of history and response: what the next turn of this conversation will have as a prefix. */
  readonly chain: string;
}

/** Chains with a key of this machine, so that the stored values say nothing about the text. */
export class ConversationChain {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** `isKnown`: whether a chain value ends an exchange that is in the log. */
  place(messages: readonly ChainMessage[], response: string, isKnown: (chain: string) => boolean): ChainedTurn {
    let chain = '';
    let parent: string | undefined;
    let newFrom = -1;
    messages.forEach((message, i) => {
      // System text and tool results are no part of what was said; agents rewrite them from turn to turn.
      if (message.role !== 'user' && message.role !== 'assistant') return;
      if (message.content.trim() === '') return;
      chain = this.#link(chain, message.role, message.content);
      if (message.role === 'assistant' && isKnown(chain)) {
        parent = chain;
        newFrom = i;
      }
    });
    const users = messages.filter(
      (message, i) => message.role === 'user' && i > newFrom && message.content.trim() !== '',
    );
    const told = parent === undefined ? users.slice(-1) : users;
    return {
      prompt: told.map((message) => message.content).join('\n\n'),
      parent,
      chain: this.#link(chain, 'assistant', response),
    };
  }

  /** 16 hex digits that tell texts apart and reveal none to whoever has not this machine's key. */
  keyed(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex').slice(0, 16);
  }

  /** Clients trim what they show, so leading and trailing space does not count. */
  #link(chain: string, role: string, content: string): string {
    const hmac = createHmac('sha256', this.#key);
    hmac.update(`${chain}\n${role}\n`).update(content.trim());
    return hmac.digest('hex').slice(0, 32);
  }
}
