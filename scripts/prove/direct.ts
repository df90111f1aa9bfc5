// The persona told straight to the memory, without host and model: the same recording, redaction and dreaming, in seconds.
import path from 'node:path';
import type { MemoryEvent } from '#protocol/memory.ts';
import type { HeldCard } from '../../engine-host/src/memory/cards/cardProjection.ts';
import { Memory } from '../../engine-host/src/memory/memory.ts';
import { redact } from '../../engine-host/src/memory/redact.ts';
import { testLock } from '../../engine-host/src/store/testLock.ts';
import type { Conversation, Persona, SentMessage } from './persona.ts';

const MODEL = '0123456789abcdef';
const KEY = new Uint8Array(32).fill(7);
/** Longer than a conversation stays open. */
const LATER_MS = 60 * 60 * 1000;
/** Says nothing, as far as memories are concerned. */
const ANSWER = 'Sure, here is how.';

export interface Told {
  /** Those that hold. */
  readonly cards: readonly HeldCard[];
  readonly events: readonly MemoryEvent[];
}

/** Tells night after night up to `nights`, dreaming after each. `folder` is empty. */
export async function tellDirectly(persona: Persona, nights: number, folder: string): Promise<Told> {
  let now = Date.UTC(2026, 0, 1);
  const memory = await Memory.open({
    conversations: path.join(folder, 'conversations'),
    memory: path.join(folder, 'memory'),
    lock: testLock(),
    redaction: {
      redactor: {
        redact: (texts) => Promise.all(texts.map((text) => redact(text, KEY))),
        close: () => Promise.resolve(),
      },
    },
    onProblem: (error) => {
      throw error;
    },
    now: () => now,
  });
  try {
    for (const conversations of persona.nights.slice(0, nights)) {
      for (const conversation of conversations) {
        await tell(memory, conversation);
        now += LATER_MS;
      }
      await memory.dream(new AbortController().signal);
    }
    return { cards: memory.cards(), events: await memory.forModel(MODEL).fetchUnconsolidated(100_000) };
  } finally {
    await memory.close();
  }
}

async function tell(memory: Memory, conversation: Conversation): Promise<void> {
  const messages: SentMessage[] = [];
  for (const turn of conversation.turns) {
    messages.push(...turn);
    await memory.record({ model: MODEL, messages, response: ANSWER, tokens: 5, origin: { kind: 'api' } });
    messages.push({ role: 'assistant', content: ANSWER });
  }
}
