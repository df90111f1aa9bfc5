// Runs of one scenario: a fresh, confined process each time, nothing of the file in any cache, ours and the peer in turn.
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStats } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { Contestant, Entrant, Load } from '../contestant.ts';
import { IDLE_MS } from '../measure.ts';
import { dropCaches, type Confinement } from './confinement.ts';
import { PROMPT, type Scenario } from './scenarios.ts';

/** Tokens of the prompt before the first token. */
const FIRST = 16;
const CONTEXT = 1024;
/** Of a peer’s decoding that counts, by the pace of what does not. */
const MOST_SECONDS = 30;
const LEAST_STEPS = 2;

/** Prompt to be edited, as tokens. */
export interface EditPrompt {
  readonly ids: readonly number[];
}

export interface RunInput {
  readonly scenario: Scenario;
  readonly file: string;
  readonly threads: number;
  /** Undefined: not confined, everything in memory. */
  readonly memoryBytes: number | undefined;
  readonly confinement: Confinement;
  readonly texts: { readonly warm: string; readonly counted: string };
  readonly edits: readonly EditPrompt[];
}

/** What one process did. Speeds are tokens a second. */
export interface Run {
  /** From the start of the load to the first token after a short prompt. */
  readonly firstMs: number;
  readonly decode: number;
  readonly prefill: number;
  /** Of greedy answers to the edit prompts. */
  readonly greedy?: number;
  readonly info?: ModelInfo;
  /** Of ours: what the counted decoding and the edits did. */
  readonly counters?: { readonly decode: Counted; readonly edits?: Counted };
}

interface Counted {
  readonly before: EngineStats;
  readonly after: EngineStats;
}

/** @throws what the load or a step failed with, or that the system killed the process */
export async function runOnce(entrant: Entrant, input: RunInput): Promise<Run> {
  const { scenario, file, confinement, memoryBytes, texts } = input;
  if (memoryBytes !== undefined) {
    dropCaches(file);
    confinement.setMemory(memoryBytes);
  }
  await sleep(IDLE_MS);
  const before = confinement.killed();
  const load: Load = {
    ...{ model: file, threads: input.threads, context: CONTEXT, sequences: 1, kv: 'f16', text: texts.warm },
    confine: (pid) => {
      if (memoryBytes !== undefined) confinement.enter(pid);
    },
  };
  const isOurs = entrant.name === 'ours';
  const amount = isOurs ? scenario.ours : scenario.peers;
  try {
    const { contestant, loadMs, info, stats } = await entrant.open(load);
    const counted = async (work: () => Promise<number>): Promise<{ speed: number; counted?: Counted }> => {
      if (stats === undefined) return { speed: await work() };
      const first = await stats();
      return { speed: await work(), counted: { before: first, after: await stats() } };
    };
    try {
      const firstMs = loadMs + (await contestant.first(FIRST));
      const pace = await contestant.decode(amount.warm, 0, 1);
      // The simulated caches follow all steps of ours.
      const most = isOurs ? amount.steps : Math.max(LEAST_STEPS, Math.floor(pace * MOST_SECONDS));
      const steps = Math.min(amount.steps, most);
      await contestant.read(texts.counted);
      const decode = await counted(() => contestant.decode(steps, 0, 1));
      const prefill = await contestant.prefill(PROMPT);
      const edits =
        input.edits.length === 0
          ? undefined
          : await counted(() => edited(contestant, input.edits, amount.edits ?? steps));
      return {
        ...{ firstMs, decode: decode.speed, prefill },
        ...(edits === undefined ? {} : { greedy: edits.speed }),
        ...(info === undefined ? {} : { info }),
        ...(decode.counted === undefined
          ? {}
          : {
              counters: {
                decode: decode.counted,
                ...(edits?.counted === undefined ? {} : { edits: edits.counted }),
              },
            }),
      };
    } finally {
      await contestant.stop();
    }
  } catch (error) {
    if (confinement.killed() > before) throw new Error('killed for memory', { cause: error });
    throw error;
  }
}

/** All prompts one after the other: their tokens by their time. */
async function edited(contestant: Contestant, edits: readonly EditPrompt[], tokens: number): Promise<number> {
  let seconds = 0;
  for (const { ids } of edits) seconds += tokens / (await contestant.greedy(ids, tokens));
  return (tokens * edits.length) / seconds;
}
