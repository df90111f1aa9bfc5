/** Turns a chat into the messages of a request. */
import type { ChatSession, ChatTurn } from '#protocol/webview.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/**
 * The whole history, oldest first, as templates want it: roles alternate and the last message is a question. A question
 * whose answer failed before its first word is left out, unless it is the last one. Nothing else is dropped: a prompt that
 * is too long is the engine's to refuse.
 */
export function toMessages(session: ChatSession, systemPrompt: string): ChatMessage[] {
  const messages: ChatMessage[] = systemPrompt.trim() === '' ? [] : [{ role: 'system', content: systemPrompt }];
  let question: ChatTurn | undefined;
  for (const turn of session.turns) {
    if (turn.role === 'user') {
      question = turn;
    } else if (question && turn.text.trim() !== '') {
      messages.push({ role: 'user', content: questionText(question) }, { role: 'assistant', content: turn.text });
      question = undefined;
    }
  }
  if (question) messages.push({ role: 'user', content: questionText(question) });
  return messages;
}

/** The question, then the attached code in a fence that its own back-ticks cannot close. */
function questionText({ text, attachment }: ChatTurn): string {
  if (!attachment) return text;
  const longest = Math.max(2, ...[...attachment.text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${text}\n\n${attachment.label}:\n${fence}\n${attachment.text}\n${fence}`;
}
