/** A command's connection to the host: joins the one that runs, or starts one for this command alone. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Announcement } from '#protocol/announcement.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { findRunning, urlHost } from '../host/announcement.ts';
import { connectHost, type HostClient } from '../host/hostClient.ts';
import { prepareHome, zellPaths } from '../host/paths.ts';
import { spawnHost } from '../host/spawnHost.ts';
import { isNewer, VERSION } from '../host/version.ts';
import { ModelRegistry } from '../models/registry.ts';
import { note, paint } from './terminal.ts';

export interface Session extends HostClient {
  readonly announcement: Announcement;
  /** `http://HOST:PORT` */
  readonly base: string;
}

/** Runs `work` with a connection and lets go of it afterwards, so that a host of our own ends. */
export async function withHost<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
  const session = await openSession(signal);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

/** As `withHost`, but starts nothing: undefined when no host runs. */
export async function withRunningHost<T>(work: (session: Session) => Promise<T>): Promise<T | undefined> {
  const running = await findRunning(zellPaths().announcement);
  if (running === undefined) return undefined;
  const session = asSession(running, await connectHost(running, 'cli'));
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

async function openSession(signal: AbortSignal): Promise<Session> {
  const paths = zellPaths();
  await prepareHome(paths);
  for (let attempt = 1; ; attempt += 1) {
    const running = await findRunning(paths.announcement);
    const usable = running !== undefined && !isNewer(VERSION, running.version);
    let announcement = running;
    if (!usable || announcement === undefined) {
      const started = await spawnHost('command', signal);
      if (started.note !== undefined) note(paint('dim', started.note));
      announcement = started.announcement;
    }
    try {
      return asSession(announcement, await connectHost(announcement, 'cli'));
    } catch (error) {
      // It was just leaving; the next look finds its successor or nobody.
      if (attempt === 3 || signal.aborted) throw error;
    }
  }
}

function asSession(announcement: Announcement, client: HostClient): Session {
  return {
    announcement,
    base: `http://${urlHost(announcement.host)}:${announcement.port}`,
    request: client.request,
    notify: client.notify,
    onStatus: client.onStatus,
    close: client.close,
  };
}

/**
 * A model argument as a path that the host understands, whatever folder the command runs in; undefined stays so.
 * @throws {ZellError} model_not_found, before a host is started for nothing
 */
export async function modelPath(argument: string): Promise<string>;
export async function modelPath(argument: string | undefined): Promise<string | undefined>;
export async function modelPath(argument: string | undefined): Promise<string | undefined> {
  if (argument === undefined) return undefined;
  // A bare file name is a file of this folder when there is one, as everywhere on a command line.
  const isFile = /\.gguf$/i.test(argument) && existsSync(argument);
  return (await new ModelRegistry(zellPaths()).resolve(isFile ? path.resolve(argument) : argument)).path;
}

/** Loads the command's model. @returns it, and how long this command waited for it */
export async function loadModel(
  session: Session,
  name: string | undefined,
  signal: AbortSignal,
): Promise<{ model: ModelInfo; loadMs: number }> {
  const started = performance.now();
  const { model } = await session.request('zell/models/load', name === undefined ? {} : { name }, signal);
  if (signal.aborted) throw new ZellError('cancelled', 'Cancelled.');
  return { model, loadMs: performance.now() - started };
}
