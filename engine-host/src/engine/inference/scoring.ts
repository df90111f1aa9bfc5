/** How likely given texts are after a prompt: everything is evaluated, nothing sampled. */
import type { ScoreRequest, ScoreResult } from '#protocol/engine.ts';
import type { AdapterScale } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import type { NativeModel, StepItem } from '../native/binding.ts';
import { nativeError } from '../native/nativeError.ts';
import { preparePrompt, promptTokens } from './prompt.ts';

/** Most tokens of one step: others wait no longer than that. */
const SLICE = 256;
const MOST_CONTINUATIONS = 64;

type ScoringModel = Pick<
  NativeModel,
  'info' | 'tokenize' | 'createSequence' | 'forkSequence' | 'freeSequence' | 'step' | 'cancel'
>;

/** Runs work between two steps, with room for `tokens` more in the KV cache. */
export type BetweenSteps = <T>(tokens: number, work: () => Promise<T>) => Promise<T>;

interface Scored {
  readonly tokens: readonly number[];
  readonly logprobs: number[];
  /** The prompt's last token and all but its own last one. */
  readonly fed: readonly number[];
  readonly sequence: number;
}

/**
 * The prompt but its last token is evaluated once; each continuation goes on from there.
 * @param adapters native ids
 * @throws {ZellError} context_overflow, invalid_request, cancelled, out_of_memory, or what a step failed with
 */
export async function scoreTexts(
  model: ScoringModel,
  request: Omit<ScoreRequest, 'forModel' | 'adapters'>,
  adapters: readonly AdapterScale[],
  between: BetweenSteps,
  signal: AbortSignal,
): Promise<ScoreResult> {
  const prompt = preparePrompt(model, { ...request, maxTokens: 0 }).tokens;
  const texts = request.continuations.map((parts) => promptTokens(model, parts, false));
  check(model, prompt, texts);
  const last = prompt.slice(-1);
  const held = prompt.slice(0, -1);
  const uses = adapters.length === 0 ? {} : { adapters };
  const sequences: number[] = [];
  const step = async (items: readonly StepItem[]): Promise<readonly (Float32Array | undefined)[]> => {
    if (signal.aborted) throw new ZellError('cancelled', 'The call was cancelled.');
    const count = items.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const outputs = await between(count, () => model.step(items));
    for (const { error } of outputs) if (error !== undefined) throw ZellError.fromWire(nativeError(error));
    return items.map(({ sequence }) => outputs.find((output) => output.sequence === sequence)?.scores);
  };
  const make = (from?: number): number => {
    const sequence = from === undefined ? model.createSequence() : model.forkSequence(from, held.length);
    sequences.push(sequence);
    return sequence;
  };
  try {
    const base = held.length === 0 ? undefined : await between(0, () => Promise.resolve(make()));
    for (let at = 0; base !== undefined && at < held.length; at += SLICE)
      await step([{ sequence: base, tokens: Int32Array.from(held.slice(at, at + SLICE)), ...uses, want: {} }]);
    const scored = await between(0, () =>
      Promise.resolve(
        texts.map((tokens): Scored => ({
          tokens,
          logprobs: [],
          fed: [...last, ...tokens.slice(0, -1)],
          sequence: make(base),
        })),
      ),
    );
    for (
      let open: Scored[] = scored;
      open.length > 0;
      open = scored.filter((s) => s.logprobs.length < s.tokens.length)
    ) {
      const taken = nextStep(open);
      const scores = await step(taken.map(({ text, count }) => itemOf(text, count, uses)));
      taken.forEach(({ text, count }, i) => {
        const found = scores[i];
        if (found?.length !== count) throw new ZellError('internal', 'A step left a text without its scores.');
        text.logprobs.push(...found);
      });
    }
    return { scores: scored.map(({ tokens, logprobs }) => ({ tokens, logprobs })) };
  } finally {
    await between(0, () => {
      for (const sequence of sequences) model.freeSequence(sequence);
      return Promise.resolve();
    });
  }
}

function check(model: ScoringModel, prompt: readonly number[], texts: readonly (readonly number[])[]): void {
  if (texts.length === 0 || texts.length > MOST_CONTINUATIONS)
    throw new ZellError('invalid_request', `Between 1 and ${MOST_CONTINUATIONS} texts can be scored at a time.`);
  if (texts.some((tokens) => tokens.length === 0)) throw new ZellError('invalid_request', 'A text to score is empty.');
  const { contextLength } = model.info;
  const longest = prompt.length + Math.max(...texts.map((tokens) => tokens.length)) - 1;
  if (longest > contextLength)
    throw new ZellError(
      'context_overflow',
      `The prompt and a text have ${longest} tokens together; the context holds ${contextLength}.`,
      { details: { promptTokens: longest, contextLength } },
    );
}

/** What of the open texts goes into one step. */
function nextStep(open: readonly Scored[]): { readonly text: Scored; readonly count: number }[] {
  const taken: { text: Scored; count: number }[] = [];
  let room = SLICE;
  for (const text of open) {
    const count = Math.min(room, text.fed.length - text.logprobs.length);
    if (count === 0) break;
    taken.push({ text, count });
    room -= count;
  }
  return taken;
}

function itemOf(text: Scored, count: number, uses: Pick<StepItem, 'adapters'>): StepItem {
  const from = text.logprobs.length;
  return {
    sequence: text.sequence,
    tokens: Int32Array.from(text.fed.slice(from, from + count)),
    ...uses,
    want: { score: Int32Array.from(text.tokens.slice(from, from + count)) },
  };
}
