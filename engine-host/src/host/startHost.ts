/** From nothing to a serving host, or to the one that serves already. */
import type { Announcement } from '#protocol/announcement.ts';
import { Host } from './host.ts';
import type { HostFactories, HostOptions } from './hostParts.ts';
import { prepareHome } from './paths.ts';
import { claimHome } from './single.ts';

export interface StartedHost {
  readonly kind: 'running';
  readonly host: Host;
}
export interface JoinedHost {
  readonly kind: 'joined';
  readonly announcement: Announcement;
}

/** @throws {ZellError} io (port), busy (a host that neither answers nor leaves), model errors when a model is required */
export async function startHost(options: HostOptions, make: HostFactories): Promise<StartedHost | JoinedHost> {
  await prepareHome(options.paths);
  const claim = await claimHome({
    lock: make.lock,
    paths: options.paths,
    version: options.version,
    requestDrain: make.requestDrain,
  });
  if (claim.kind === 'joined') return { kind: 'joined', announcement: claim.other };
  let host: Host | undefined;
  try {
    host = await Host.build(options, make, claim.release);
    await host.open();
    return { kind: 'running', host };
  } catch (error) {
    if (host === undefined) claim.release();
    else await host.stop('failed to start');
    throw error;
  }
}
