/** How a person uses the chat page. */
import type { Frame, Locator } from 'playwright-core';

/** A short answer of the default model on a busy machine of two cores. */
export const ANSWER_MS = 60_000;
/** Its answer is long enough to be interrupted. */
export const LONG_QUESTION = 'Write a long story about a dragon who learns to cook. Use many paragraphs.';

/** Asked in a workspace of which nothing may be remembered. */
export const EXCLUDED_QUESTION = 'What is the capital of Spain?';

export async function ask(chat: Frame, question: string): Promise<void> {
  const prompt = chat.getByRole('textbox', { name: 'Message to Zell' });
  await prompt.fill(question);
  await prompt.press('Enter');
}

/** The newest answer, once it is in this state. */
export function lastAnswer(chat: Frame, state: 'streaming' | 'done' | 'stopped' | 'failed'): Locator {
  return chat.locator(`#turns > article.assistant:last-child[data-state=${state}]`);
}

/** Resolves when some words of an answer are there and more are to come. */
export async function untilStreaming(chat: Frame): Promise<void> {
  const text = lastAnswer(chat, 'streaming').locator('.markdown').filter({ hasText: /\w{2}/ });
  await text.waitFor({ timeout: ANSWER_MS });
}
