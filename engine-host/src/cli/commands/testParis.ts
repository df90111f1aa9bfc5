/** `zell test-paris [MODEL]`: a model that works knows the capital of France. */
import { chat } from '../chat.ts';
import type { JsonOption } from '../jsonOption.ts';
import { loadModel, modelPath, withHost } from '../session.ts';
import { EXIT, ExitError, paint, print, printJson } from '../terminal.ts';

const TEXT = 'The capital of France is';
const QUESTION = 'What is the capital of France?';
const TOP = 5;
const ANSWER_TOKENS = 16;

/** Passed: Paris is among the five likeliest next tokens of the text, and within the first 16 tokens of the chat answer. */
export async function testParis(argument: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  const path = await modelPath(argument);
  await withHost(async (session) => {
    const { model } = await loadModel(session, path, signal);
    const { top } = await session.request('zell/engine/nextTokens', { name: model.path, text: TEXT, top: TOP }, signal);
    const answer = await chat(
      session,
      { model: model.path, prompt: QUESTION, maxTokens: ANSWER_TOKENS, temperature: 0 },
      () => undefined,
      signal,
    );
    const nextTokens = top.map((candidate) => candidate.text);
    const inNext = nextTokens.some((text) => text.trim().toLowerCase() === 'paris');
    const inAnswer = /\bparis\b/i.test(answer.text);
    const passed = inNext && inAnswer;
    if (options.json === true) printJson({ model: model.name, nextTokens, answer: answer.text, passed });
    else {
      print(`${mark(inNext)} "${TEXT}" → ${nextTokens.map((text) => JSON.stringify(text)).join(', ')}`);
      print(`${mark(inAnswer)} ${QUESTION} → ${JSON.stringify(answer.text)}`);
    }
    if (!passed) throw new ExitError(EXIT.checkFailed);
  }, signal);
}

function mark(ok: boolean): string {
  return ok ? paint('green', 'passed', process.stdout) : paint('red', 'FAILED', process.stdout);
}
