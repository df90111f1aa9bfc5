/** `zell build [MODEL] --system-prompt FILE|TEXT`: a system prompt's keys and values are computed before anybody waits for them. */
import { readFile, stat } from 'node:fs/promises';
import { ZellError } from '#protocol/errors.ts';
import type { BuildOptions } from '../program.ts';
import { loadModel, modelPath, withHost } from '../session.ts';
import { formatBytes, print, printJson, ProgressLine } from '../terminal.ts';

/** No context holds more. */
const MOST_BYTES = 8 * 1024 * 1024;

export async function build(argument: string | undefined, options: BuildOptions, signal: AbortSignal): Promise<void> {
  const system = await systemPrompt(options.systemPrompt);
  const path = await modelPath(argument);
  await withHost(async (session) => {
    const { model } = await loadModel(session, path, signal);
    const line = new ProgressLine();
    session.onStatus(({ detail, progress }) => {
      if (progress !== undefined) line.show(`${detail}: ${Math.floor(progress * 100)} %`, 0, 0);
    });
    const built = await session
      .request('zell/prefix/build', { name: model.path, system }, signal)
      .finally(() => line.end());
    if (options.json === true) {
      printJson({ ...built, ms: Math.round(built.ms * 10) / 10 });
      return;
    }
    const { tokens, cachedTokens, keptTokens, bytes, ms } = built;
    const took = `${(ms / 1000).toFixed(1)} s`;
    if (keptTokens === 0)
      print(`The system prompt has ${tokens} tokens: so few are computed as fast as they are read. Nothing was kept.`);
    else {
      const known = cachedTokens > 0 ? `, ${cachedTokens} of them known before` : '';
      print(
        `${tokens} tokens evaluated in ${took}${known}; ${keptTokens} are kept on the disk (${formatBytes(bytes)}).`,
      );
      print(`The next request to ${built.model} with this system prompt starts warm, also after a restart.`);
    }
  }, signal);
}

/** The text of a file when there is one of that name, else the argument itself. */
async function systemPrompt(argument: string): Promise<string> {
  const info = await stat(argument).catch(() => undefined);
  if (info?.isFile() !== true) {
    if (argument.trim() === '') throw new ZellError('invalid_request', 'The system prompt is empty.');
    return argument;
  }
  if (info.size > MOST_BYTES) throw new ZellError('too_large', `${argument} is too large for a system prompt.`);
  const text = await readFile(argument, 'utf8');
  if (text.trim() === '') throw new ZellError('invalid_request', `${argument} is empty.`);
  return text;
}
