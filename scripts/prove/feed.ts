// Tells a night's conversations to a real host over HTTP, as any client would, and closes them by word.
import type { ConversationSummary } from '#protocol/memory.ts';
import type { HostClient } from '../../engine-host/src/host/hostClient.ts';
import { post } from '../bench/serverClient.ts';
import type { Server } from '../bench/serverProcess.ts';
import { until, type RunningHost } from './host.ts';
import type { Conversation, SentMessage } from './persona.ts';
import type { Step } from './progress.ts';

/** What the model says is of no interest here, and not learned from. */
const ANSWER_TOKENS = 8;
const AT_ONCE = 4;
/** Recording follows the answer. */
const RECORDED_MS = 30_000;
const MOST_LISTED = 500;

export async function tellNight(
  { server, client }: RunningHost,
  conversations: readonly Conversation[],
  step: Step,
): Promise<void> {
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
    for (const answered of await Promise.all(some.map((conversation) => tell(server, conversation)))) turns += answered;
    next += some.length;
    step(next, conversations.length);
  }
  const recorded = async (): Promise<boolean> => (await turnsRecorded(client)) >= before + turns;
  await until('every exchange is recorded', recorded, RECORDED_MS);
  for (const { id, closed } of await listed(client))
    if (!closed) await client.notify('zell/conversation/closed', { conversation: id });
  const closed = async (): Promise<boolean> => (await listed(client)).every((conversation) => conversation.closed);
  await until('every conversation is closed', closed, RECORDED_MS);
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
