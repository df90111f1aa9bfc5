// Tells a night's conversations to a real host over HTTP, as any client would, and closes them by word.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationSummary } from '#protocol/memory.ts';
import { connectHost, type HostClient } from '../../engine-host/src/host/hostClient.ts';
import { post } from '../bench/serverClient.ts';
import type { Server } from '../bench/serverProcess.ts';
import type { Conversation, SentMessage } from './persona.ts';

/** What the model says is of no interest here, and not learned from. */
const ANSWER_TOKENS = 8;
const AT_ONCE = 4;
/** Recording follows the answer. */
const RECORDED_MS = 30_000;
const MOST_LISTED = 500;

/** @param step told after each conversation */
export async function tellNight(
  host: Server,
  conversations: readonly Conversation[],
  step: (done: number, of: number) => void,
): Promise<void> {
  if (host.announcement === undefined) throw new Error('The host is not announced.');
  const client = await connectHost(host.announcement, 'cli');
  try {
    const before = await turnsRecorded(client);
    let next = 0;
    let turns = 0;
    // Corrections refer to what was said before: those wait for everything before them.
    while (next < conversations.length) {
      const some: Conversation[] = [];
      for (let i = next; i < conversations.length && some.length < AT_ONCE; i++) {
        const conversation = conversations[i];
        if (conversation === undefined || (conversation.kind === 'correction' && some.length > 0)) break;
        some.push(conversation);
        if (conversation.kind === 'correction') break;
      }
      for (const answered of await Promise.all(some.map((conversation) => tell(host, conversation)))) turns += answered;
      next += some.length;
      step(next, conversations.length);
    }
    await until('every exchange is recorded', async () => (await turnsRecorded(client)) >= before + turns);
    for (const { id, closed } of await listed(client))
      if (!closed) await client.notify('zell/conversation/closed', { conversation: id });
    await until('every conversation is closed', async () => (await listed(client)).every(({ closed }) => closed));
  } finally {
    client.close();
  }
}

/**
 * All turns of a conversation, each with the whole history, as chat clients send it.
 * @returns how many of them are recorded: an empty answer is not
 */
async function tell(host: Server, conversation: Conversation): Promise<number> {
  const messages: SentMessage[] = [];
  let recorded = 0;
  for (const turn of conversation.turns) {
    messages.push(...turn);
    const body = { model: 'zell', messages, max_tokens: ANSWER_TOKENS, temperature: 0 };
    const answer = JSON.parse(await post(host, '/v1/chat/completions', body)) as {
      choices: [{ message: { content: string } }];
    };
    const { content } = answer.choices[0].message;
    messages.push({ role: 'assistant', content });
    if (content.trim() !== '') recorded++;
  }
  return recorded;
}

async function turnsRecorded(client: HostClient): Promise<number> {
  return (await client.request('zell/memory/status', {}, AbortSignal.timeout(RECORDED_MS))).events;
}

async function listed(client: HostClient): Promise<readonly ConversationSummary[]> {
  const list = await client.request('zell/memory/list', { limit: MOST_LISTED }, AbortSignal.timeout(RECORDED_MS));
  return list.conversations;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > RECORDED_MS) throw new Error(`Waited in vain until ${what}.`);
    await sleep(50);
  }
}
