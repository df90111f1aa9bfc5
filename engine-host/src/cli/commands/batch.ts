/** `zell batch MODEL P1 P2 …`: all prompts at once, answers in the order of the prompts. */
import { chat } from '../chat.ts';
import { tellOnFirstRun } from '../firstRun.ts';
import type { RunOptions } from '../program.ts';
import { loadModel, modelPath, withHost } from '../session.ts';
import { note, paint, print, printJson } from '../terminal.ts';
import { asJson } from './run.ts';

export async function batch(
  modelArgument: string,
  prompts: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  const path = await modelPath(modelArgument);
  await tellOnFirstRun();
  await withHost(async (session) => {
    const { model, loadMs } = await loadModel(session, path, signal);
    const started = performance.now();
    const running = prompts.map((prompt) =>
      chat(session, { ...options, model: model.path, prompt, background: true }, () => undefined, signal),
    );
    // Each answer is shown as soon as those before it are.
    const results: object[] = [];
    let tokens = 0;
    for (const [i, pending] of running.entries()) {
      const answer = await pending;
      tokens += answer.decodeTokens;
      const prompt = prompts[i] ?? '';
      if (options.json === true) results.push({ prompt, ...asJson(model.name, loadMs, answer) });
      else print(`${paint('bold', `[${i + 1}] ${prompt}`, process.stdout)}\n${answer.text.trim()}\n`);
    }
    if (options.json === true) printJson(results);
    else {
      const seconds = (performance.now() - started) / 1000;
      note(paint('dim', `${tokens} tokens, ${(tokens / seconds).toFixed(1)} tokens/s together`));
    }
  }, signal);
}
