/** `zell serve [MODEL]`: the host in this terminal until Ctrl-C. */
import type { Announcement } from '#protocol/announcement.ts';
import { toWireError } from '#protocol/errors.ts';
import { findRunning, urlHost } from '../../host/announcement.ts';
import {
  checkExposure,
  parseDraft,
  parseKvType,
  parseMemoryLimit,
  parsePort,
  parseWeights,
  type HostArguments,
} from '../../host/hostArguments.ts';
import { connectHost } from '../../host/hostClient.ts';
import { zellPaths } from '../../host/paths.ts';
import { serveHere } from '../../host/program.ts';
import { ModelRegistry } from '../../models/registry.ts';
import { checkAdapters, type AdapterFile } from '../adapterOption.ts';
import { tellOnFirstRun } from '../firstRun.ts';
import { folderAdapter } from '../folderAdapter.ts';
import type { ServeOptions } from '../program.ts';
import { modelPath } from '../session.ts';
import { note, print } from '../terminal.ts';

export async function serve(modelArgument: string | undefined, options: ServeOptions): Promise<void> {
  const apiKey = options.apiKey ?? process.env['ZELL_API_KEY'];
  const given: HostArguments = {
    lifetime: 'keep',
    host: options.host,
    ...(options.port === undefined ? {} : { port: parsePort(options.port) }),
    ...(apiKey === undefined || apiKey === '' ? {} : { apiKey }),
    ...(options.kvType === undefined ? {} : { kvType: parseKvType(options.kvType) }),
    ...(options.weights === undefined ? {} : { weights: parseWeights(options.weights) }),
    ...(options.draft === undefined ? {} : { draft: parseDraft(options.draft) }),
    ...(options.memoryLimit === undefined ? {} : { memoryLimit: parseMemoryLimit(options.memoryLimit) }),
  };
  checkExposure(given);
  const adapters = await checkAdapters(options.lora);
  const model = await modelPath(modelArgument);
  // Before anything is opened: without a model there is nothing to serve, unless somebody serves already.
  const running = await findRunning(zellPaths().announcement);
  if (model === undefined && running === undefined) await new ModelRegistry(zellPaths()).resolve(undefined);
  await tellOnFirstRun();
  let joined: Announcement | undefined;
  await serveHere(
    { ...given, adapters, ...(model === undefined ? {} : { model }) },
    {
      onJoined: (other) => {
        joined = other;
      },
      onOpen: (host) => {
        if (host.note !== undefined) note(host.note);
        print(`Zell listens on ${host.address}`);
      },
      onReady: (loaded) => {
        print(`${loaded.name} is loaded (${loaded.isa}, ${loaded.threads} threads). Ctrl-C ends it.`);
        if (adapters.length === 0) void takeFolderAdapter();
      },
    },
  );
  if (joined !== undefined) await useRunning(joined, model, adapters);
}

/** Never rejects: one that does not fit is said, and the model answers without it. */
async function takeFolderAdapter(): Promise<void> {
  const signal = new AbortController().signal;
  try {
    const own = await findRunning(zellPaths().announcement);
    if (own === undefined) return;
    const client = await connectHost(own, 'cli');
    try {
      const file = await folderAdapter(client, signal);
      if (file !== undefined) await client.request('zell/adapters/load', { path: file, scale: 1 }, signal);
    } finally {
      client.close();
    }
  } catch (error) {
    note(`It is not used: ${toWireError(error).message}`);
  }
}

/** Somebody serves already: it is told to stay, to load the model, and this command is done. */
async function useRunning(
  other: Announcement,
  model: string | undefined,
  adapters: readonly AdapterFile[],
): Promise<void> {
  const client = await connectHost(other, 'cli');
  try {
    await client.request('zell/host/keep', {}, AbortSignal.timeout(5000));
    if (model !== undefined) await client.request('zell/models/load', { name: model }, new AbortController().signal);
    for (const adapter of adapters)
      await client.request('zell/adapters/load', { ...adapter }, new AbortController().signal);
  } finally {
    client.close();
  }
  print(`Zell is already running on http://${urlHost(other.host)}:${other.port}; it stays up until "zell stop".`);
}
