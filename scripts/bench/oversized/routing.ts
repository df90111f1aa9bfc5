// How a scenario's text is routed: habits of the routing, and what caches of known policies would hit of it.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { buildTool } from '../models.ts';
import type { Scenario } from './scenarios.ts';

const run = promisify(execFile);
/** Memory for experts while the routing is written down, in MiB. */
const CACHE_MIB = 6000;

export interface Routing {
  readonly banks: number;
  readonly experts: number;
  /** Of each token, in each bank. */
  readonly used: number;
  readonly expertBytes: number;
  /** Share of uses that the token before sent to the same expert. */
  readonly again: number;
  /** Share that go to each bank's most used experts. */
  readonly favourites: number;
  /** Share of uses that the next layer's router has named a layer before. */
  readonly guessed: number;
  readonly caches: readonly {
    readonly slots: number;
    readonly lru: number;
    readonly policy: number;
    readonly belady: number;
  }[];
}

/** Of the tokens that ours decodes in the scenario. @param slots experts in memory */
export async function routingOf(
  file: string,
  { ours }: Scenario,
  texts: { readonly warm: string; readonly counted: string },
  slots: number,
): Promise<Routing> {
  const tool = await buildTool('zell_routing', 'bench');
  const { stdout } = await run(tool, [
    ...[file, '--warm', texts.warm, '--text', texts.counted, '--cache', String(CACHE_MIB)],
    ...['--warm-tokens', String(ours.warm), '--tokens', String(ours.steps), '--slots', String(slots)],
  ]);
  return JSON.parse(stdout) as Routing;
}
