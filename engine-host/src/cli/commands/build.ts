/** `zell build [MODEL]`: a model's profile, a system prompt computed ahead, and caches that have outlived their use. */
import { readFile, stat } from 'node:fs/promises';
import type { EditorRequests } from '#protocol/editor.ts';
import { ZellError } from '#protocol/errors.ts';
import { cacheFiles, isExpired, removeCaches, type ClearedCaches } from '../../host/caches.ts';
import { zellPaths } from '../../host/paths.ts';
import type { BuildOptions } from '../program.ts';
import { loadModel, modelPath, withHost, type Session } from '../session.ts';
import { formatBytes, note, print, printJson, ProgressLine } from '../terminal.ts';

/** No context holds more. */
const MOST_BYTES = 8 * 1024 * 1024;

type BuiltProfile = EditorRequests['zell/profile/build']['result'];
type BuiltPrefix = EditorRequests['zell/prefix/build']['result'];

export async function build(argument: string | undefined, options: BuildOptions, signal: AbortSignal): Promise<void> {
  if (options.profile === false && options.systemPrompt === undefined)
    throw new ZellError('invalid_request', 'Without a profile and without --system-prompt there is nothing to build.');
  const system = options.systemPrompt === undefined ? undefined : await systemPrompt(options.systemPrompt);
  const path = await modelPath(argument);
  await withHost(async (session) => {
    const line = new ProgressLine();
    session.onStatus(({ detail, progress }) => {
      if (progress !== undefined) line.show(`${detail}: ${Math.floor(progress * 100)} %`, 0, 0);
    });
    try {
      const profile = options.profile === false ? undefined : await buildProfile(session, path, options, signal);
      const prefix = system === undefined ? undefined : await buildPrefix(session, path, system, signal);
      const cleared = await clearExpired();
      line.end();
      if (options.json === true) printJson(asJson(profile, prefix, cleared));
      else report(profile, prefix, cleared);
    } finally {
      line.end();
    }
  }, signal);
}

function buildProfile(
  session: Session,
  path: string | undefined,
  { force, seconds }: BuildOptions,
  signal: AbortSignal,
): Promise<BuiltProfile> {
  const params = {
    ...(path === undefined ? {} : { name: path }),
    force: force === true,
    ...(seconds === undefined ? {} : { seconds }),
  };
  return session.request('zell/profile/build', params, signal);
}

async function buildPrefix(
  session: Session,
  path: string | undefined,
  system: string,
  signal: AbortSignal,
): Promise<BuiltPrefix> {
  const { model } = await loadModel(session, path, signal);
  const built = await session.request('zell/prefix/build', { name: model.path, system }, signal);
  return { ...built, ms: Math.round(built.ms * 10) / 10 };
}

/** Of every model; what is of use to one stays. */
async function clearExpired(): Promise<readonly ClearedCaches[]> {
  const now = Date.now();
  return removeCaches((await cacheFiles(zellPaths())).filter((file) => isExpired(file, now)));
}

function asJson(
  profile: BuiltProfile | undefined,
  prefix: BuiltPrefix | undefined,
  cleared: readonly ClearedCaches[],
): unknown {
  if (profile === undefined) return { ...prefix, cleared };
  return {
    built: profile.built,
    profile: profile.profile,
    ...(prefix === undefined ? {} : { systemPrompt: prefix }),
    cleared,
  };
}

function report(
  profile: BuiltProfile | undefined,
  prefix: BuiltPrefix | undefined,
  cleared: readonly ClearedCaches[],
): void {
  if (profile !== undefined) {
    if (!profile.built) note('The profile that there is still holds; --force makes it anew.');
    print(profile.text);
  }
  if (prefix !== undefined) {
    const { tokens, cachedTokens, keptTokens, bytes, ms } = prefix;
    if (keptTokens === 0)
      print(`The system prompt has ${tokens} tokens: so few are computed as fast as they are read. Nothing was kept.`);
    else {
      const known = cachedTokens > 0 ? `, ${cachedTokens} of them known before` : '';
      print(
        `${tokens} tokens evaluated in ${(ms / 1000).toFixed(1)} s${known}; ${keptTokens} are kept on the disk (${formatBytes(bytes)}).`,
      );
      print(`The next request to ${prefix.model} with this system prompt starts warm, also after a restart.`);
    }
  }
  for (const { files, bytes } of cleared)
    print(`${files} files of caches that nobody used for long were deleted (${formatBytes(bytes)}).`);
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
