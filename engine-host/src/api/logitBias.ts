/** `logit_bias` as OpenAI's and llama.cpp's clients write it. */
import type { ApiContext, Call } from './call.ts';
import { invalid } from './errors.ts';

const MAX_BIASES = 4096;
const MAX_TEXT_CHARS = 1024;

/**
 * `{"50256": -100}` or `[[50256, -100], [11, false]]`; -100 and false forbid the token. A text instead of an id means each of its
 * tokens (llama.cpp). @throws {ZellError} invalid_request
 */
export async function readLogitBias(
  context: ApiContext,
  call: Call,
  value: unknown,
): Promise<[number, number | null][]> {
  if (value === undefined || value === null) return [];
  const out: [number, number | null][] = [];
  for (const [key, bias] of pairsOf(value)) {
    const amount = bias === false || bias <= -100 ? null : Math.min(100, bias);
    const ids = typeof key === 'number' ? [key] : await tokensOf(context, call, key);
    for (const id of ids) {
      if (id >= call.model.vocabularySize) throw wrong();
      out.push([id, amount]);
    }
    if (out.length > MAX_BIASES) throw tooMany();
  }
  return out;
}

function pairsOf(value: unknown): [number | string, number | false][] {
  const pairs: unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'object' && value !== null
      ? // A key of an object is always a text, also when it is an id.
        Object.entries(value).map(([key, bias]: [string, unknown]) => [/^\d{1,9}$/.test(key) ? Number(key) : key, bias])
      : [undefined];
  if (pairs.length > MAX_BIASES) throw tooMany();
  return pairs.map((pair) => {
    const [key, bias] = Array.isArray(pair) ? (pair as unknown[]) : [];
    const token = typeof key === 'number' && Number.isInteger(key) && key >= 0;
    if (!token && (typeof key !== 'string' || key.length > MAX_TEXT_CHARS)) throw wrong();
    if (bias !== false && (typeof bias !== 'number' || !Number.isFinite(bias))) throw wrong();
    return [key, bias];
  });
}

async function tokensOf(context: ApiContext, call: Call, text: string): Promise<readonly number[]> {
  if (text === '') return [];
  const params = { text, addSpecial: false, parseSpecial: false };
  return (await context.engine.call('tokenize', params, call.signal)).tokens;
}

const wrong = () => invalid('logit_bias must map token ids of this model, or texts, to numbers.', 'logit_bias');
const tooMany = () => invalid(`logit_bias holds more than ${MAX_BIASES} tokens.`, 'logit_bias');
