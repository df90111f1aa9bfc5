/** `zell build [MODEL]`: a model's profile, a system prompt computed ahead, and caches that have outlived their use. */
import { readFile, stat } from 'node:fs/promises';
import type { EditorRequests } from '#protocol/editor.ts';
import { ZellError } from '#protocol/errors.ts';
import { cacheFiles, isExpired, removeCaches, type ClearedCaches } from '../../host/caches.ts';
import { buildDraftHead, type BuiltDraftHead } from '../../host/draftHead.ts';
import { zellPaths } from '../../host/paths.ts';
import type { BuildOptions } from '../program.ts';
import { loadModel, modelPath, withHost, type Session } from '../session.ts';
import { formatBytes, note, print, printJson, ProgressLine } from '../terminal.ts';

/** No context holds more. */
const MOST_BYTES = 8 * 1024 * 1024;
/** For a draft head, unless told otherwise. */
const DRAFT_HEAD_MINUTES = 10;

type BuiltProfile = EditorRequests['zell/profile/build']['result'];
type BuiltPrefix = EditorRequests['zell/prefix/build']['result'];

export async function build(argument: string | undefined, options: BuildOptions, signal: AbortSignal): Promise<void> {
  if (options.profile === false && options.systemPrompt === undefined && options.draftHead !== true)
    throw new ZellError(
      'invalid_request',
      'Without a profile, --system-prompt or --draft-head there is nothing to build.',
    );
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
      const head =
        options.draftHead === true
          ? await buildHead(path ?? profile?.profile.model.path, options, line, signal)
          : undefined;
      const cleared = await clearExpired();
      line.end();
      if (options.json === true) printJson({ ...asJson(profile, prefix, cleared), ...(head && { draftHead: head }) });
      else report(profile, prefix, head, cleared);
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
): object {
  if (profile === undefined) return { ...prefix, cleared };
  return {
    built: profile.built,
    profile: profile.profile,
    ...(prefix === undefined ? {} : { systemPrompt: prefix }),
    cleared,
  };
}

/** In a process of its own, beside the host's engine. */
function buildHead(
  model: string | undefined,
  { budget = DRAFT_HEAD_MINUTES }: BuildOptions,
  line: ProgressLine,
  signal: AbortSignal,
): Promise<BuiltDraftHead> {
  if (model === undefined) throw new ZellError('invalid_request', 'Name the model that the draft head is for.');
  const show = (detail: string, fraction: number): void =>
    line.show(`${detail}: ${5 * Math.floor(fraction * 20)} %`, 0, 0);
  return buildDraftHead(model, zellPaths().profiles, { seconds: 60 * budget }, show, signal);
}

function report(
  profile: BuiltProfile | undefined,
  prefix: BuiltPrefix | undefined,
  head: BuiltDraftHead | undefined,
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
  if (head !== undefined) reportHead(head);
  for (const { files, bytes } of cleared)
    print(`${files} files of caches that nobody used for long were deleted (${formatBytes(bytes)}).`);
}

function reportHead({
  kept,
  file,
  exitLayer,
  blocks,
  tokens,
  steps,
  agreement,
  tokensPerCheck,
  ...head
}: BuiltDraftHead): void {
  const minutes = ((head.textSeconds + head.trainingSeconds) / 60).toFixed(1);
  const what = `A draft head of ${blocks} blocks after layer ${exitLayer}, from ${tokens} tokens in ${steps} steps and ${minutes} minutes`;
  const how = `says what the model says at ${Math.round(100 * agreement)} % of an answer's tokens: ${tokensPerCheck.toFixed(2)} tokens for each pass through the model`;
  if (kept) print(`${what}, ${how}. It is kept in ${file} and used where the model's layers come from the disk.`);
  else print(`${what}, ${how}. That would not pay, so it was not kept; a longer --budget makes a better one.`);
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
