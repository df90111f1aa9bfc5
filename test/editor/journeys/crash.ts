/** Processes die in the middle of an answer; the person reads plain words, and the next question works. */
import { expect, test } from 'vitest';
import { ANSWER_MS, ask, lastAnswer, LONG_QUESTION, untilStreaming } from '../chatPage.ts';
import type { Stage } from '../stage.ts';

/** What no person should have to read. */
const RAW = /undefined|\[object|Error:|ECONN|EPIPE|SIGKILL|\bat \S+:\d+|\{"/;

export function crashJourney(stage: () => Stage): void {
  test('the engine is killed while it answers', async () => {
    const { window, zell } = stage();
    const chat = await window.chat();
    const hostPid = zell.announcement()?.pid;
    await ask(chat, LONG_QUESTION);
    await untilStreaming(chat);
    process.kill(zell.enginePid(), 'SIGKILL');
    await lastAnswer(chat, 'failed').waitFor({ timeout: 10_000 });
    const words = await lastAnswer(chat, 'failed').getByRole('alert').innerText();
    expect(words).toMatch(/engine/i);
    expect(words).not.toMatch(RAW);
    await ask(chat, 'What is the capital of France?');
    await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    expect(zell.announcement()?.pid).toBe(hostPid);
  });

  test('the host is killed while it answers', async () => {
    const { window, zell } = stage();
    const chat = await window.chat();
    const hostPid = zell.announcement()!.pid;
    await ask(chat, LONG_QUESTION);
    await untilStreaming(chat);
    process.kill(hostPid, 'SIGKILL');
    await lastAnswer(chat, 'failed').waitFor({ timeout: 10_000 });
    expect(await lastAnswer(chat, 'failed').getByRole('alert').innerText()).not.toMatch(RAW);
    // Asked at once: the question waits for the new host.
    await ask(chat, 'What is the capital of France?');
    await lastAnswer(chat, 'done').waitFor({ timeout: ANSWER_MS });
    expect(zell.announcement()?.pid).not.toBe(hostPid);
    await window.ready();
  });
}
