/** Fill-in-the-middle prompts, cut by tokens so that they fit. */
import type { PromptPart } from '#protocol/generation.ts';
import type { ApiContext, Call } from '../call.ts';

export interface FimInput {
  readonly prefix: string;
  readonly suffix: string;
  /** What is typed already behind the cursor's line start; the answer goes on from it. */
  readonly middle: string;
  readonly files: readonly { readonly filename: string; readonly text: string }[];
  /** Tokens to keep free for the answer. */
  readonly room: number;
}

/** Longest text that is tokenised at all, characters next to the cursor. */
const MAX_CHARS = 256 * 1024;

/**
 * Prefix, suffix, middle with the vocabulary's own tokens. Without them: the other files and the prefix, to be continued plainly.
 * The text nearest to the cursor is kept: three quarters of the room go to the prefix, one to the suffix, what is left to other files.
 */
export async function fimPrompt(context: ApiContext, call: Call, input: FimInput): Promise<PromptPart[]> {
  const { fim } = call.model.special;
  const tokens = async (text: string): Promise<number[]> => {
    if (text === '') return [];
    const params = { text, addSpecial: false, parseSpecial: false };
    return (await context.engine.call('tokenize', params, call.signal)).tokens;
  };
  const space = Math.max(
    16,
    call.model.contextLength - Math.min(Math.max(0, input.room), call.model.contextLength / 2) - 16,
  );
  const middle = (await tokens(input.middle.slice(-MAX_CHARS))).slice(-Math.floor(space / 4));
  const left = space - middle.length;
  const wholePrefix = await tokens(input.prefix.slice(-MAX_CHARS));
  const wholeSuffix = fim === undefined ? [] : await tokens(input.suffix.slice(0, MAX_CHARS));
  const suffix = wholeSuffix.slice(0, Math.max(Math.floor(left / 4), left - wholePrefix.length));
  const prefix = wholePrefix.slice(Math.max(0, wholePrefix.length - (left - suffix.length)));
  const extra = await otherFiles(call, tokens, input.files, left - prefix.length - suffix.length);
  if (fim === undefined) return parts([...extra, ...prefix, ...middle]);
  return parts([...extra, fim.prefix, ...prefix, fim.suffix, ...suffix, fim.middle, ...middle]);
}

async function otherFiles(
  call: Call,
  tokens: (text: string) => Promise<number[]>,
  files: FimInput['files'],
  room: number,
): Promise<number[]> {
  const { fim } = call.model.special;
  const out: number[] = fim?.repo === undefined ? [] : [fim.repo, ...(await tokens('project\n'))];
  const start = out.length;
  for (const file of files) {
    const named = fim?.separator === undefined ? `${file.filename}\n` : '';
    const head = fim?.separator === undefined ? [] : [fim.separator, ...(await tokens(`${file.filename}\n`))];
    const body = await tokens(`${named}${file.text.slice(0, MAX_CHARS)}\n`);
    if (out.length + head.length + body.length > room) break;
    out.push(...head, ...body);
  }
  return out.length === start ? [] : out;
}

function parts(tokens: number[]): PromptPart[] {
  return [{ tokens }];
}
