/** What the scheduler runs: tokens to evaluate, and somebody who takes the results. */
import type { Pooling } from '#protocol/engine.ts';
import type { AdapterScale, Priority } from '#protocol/generation.ts';
import type { SamplingParams } from '#protocol/sampling.ts';
import type { WireError } from '#protocol/errors.ts';
import type { StepOutput } from '../native/binding.ts';
import type { Draft } from './drafter.ts';

export interface Task {
  readonly priority: Priority;
  /** The prompt, then what was sampled so far. Only grows, and only in `output`. At least one. */
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  /** Sampler of the task's sequence; undefined when nothing is to be sampled. */
  readonly sampling: SamplingParams | undefined;
  /** What is sampled keeps to it: JSON of a `Constraint` that the model has checked. */
  readonly constraint?: string | undefined;
  /** Native adapters that its sequence runs with, in order of ids, no scale 0. */
  readonly adapters: readonly AdapterScale[];
  /** How many best log-probabilities are wanted after the last token. */
  readonly topLogprobs: number | undefined;
  /** With `topLogprobs`: over what the samplers left. Absent: no. */
  readonly postSampling?: boolean;
  /** Its keys and values may be written to the disk. */
  readonly keepOnDisk?: boolean;
  /** A vector of its text is wanted, and no tokens: nothing is reused or kept. */
  readonly embedding?: {
    readonly pooling: Pooling;
    /** Its tokens see each other: they must go in one step. */
    readonly whole: boolean;
    /** Result of a step that evaluated `count` tokens from `first` on. */
    slice(first: number, count: number, output: StepOutput): void;
  };
  /** How the text probably goes on after its last token; undefined: nobody knows. Each token is only checked: a draft changes no result. */
  draft?(): Draft | undefined;
  /** How many tokens may be guessed after its last one at most; absent: none. */
  mostDrafted?(): number;
  /** So many drafted tokens were checked, and so many were right; `output` is called for each of these, then for the token after them. */
  drafted?(tokens: number, accepted: number): void;
  /** It got a slot; `cachedTokens` of the prompt need no evaluation. */
  admitted(cachedTokens: number): void;
  /** A step is over: the sequence holds so many of `tokens`. */
  evaluated?(tokens: number): void;
  /** Result of the step that evaluated the last of `tokens`. False: it is finished. */
  output(output: StepOutput): boolean;
  /** Called once, instead of the last `output`. */
  cancelled(): void;
  /** Called once, instead of the last `output`. */
  failed(error: WireError): void;
}
