/** Which type keys and values get when the load leaves it open: the best one that this machine's memory has room for. */
import { KV_TYPES, type KvInForce, type KvType, type LoadOptions, type ModelSummary } from '#protocol/model.ts';
import type { NativeAddon } from './native/binding.ts';

/** Context that a coding agent fills: a type with room for less gives way to a smaller one. */
const USEFUL_CONTEXT = 32_768;

export interface KvChoice {
  readonly type: KvType;
  readonly kv: KvInForce;
}

/**
 * The first of f16, q8_0, q8q4, q4_0 whose plan has room for the whole context, or for as much of it as is of use; when none has, the
 * one with room for most. A model that fits with none of them is refused by the load itself, with the numbers of the smallest.
 * A type that is asked for is taken as it is.
 * @throws {ZellError} as `NativeAddon.inspect`
 */
export async function chooseKvType(
  addon: Pick<NativeAddon, 'inspect'>,
  path: string,
  options: LoadOptions,
): Promise<KvChoice> {
  const wished = options.kvType ?? 'auto';
  if (wished !== 'auto') return inForce(wished, await addon.inspect(path, options), 'asked for');
  const passed: string[] = [];
  let last: KvChoice | undefined;
  for (const type of KV_TYPES) {
    const summary = await addon.inspect(path, { ...options, kvType: type });
    const { kvTokens } = summary.fit;
    const wanted = Math.min(options.contextLength ?? Infinity, summary.contextLength, USEFUL_CONTEXT);
    const reason = passed.length === 0 ? `room for ${format(wanted)} tokens` : passed.join('; ');
    if (summary.fit.fits && kvTokens >= wanted) return inForce(type, summary, reason);
    passed.push(`${type} has room for ${format(kvTokens)} of ${format(wanted)} tokens`);
    last = inForce(type, summary, passed.join('; '));
  }
  if (last === undefined) throw new Error('KV_TYPES is not empty');
  return last;
}

function inForce(type: KvType, { fit }: ModelSummary, reason: string): KvChoice {
  return { type, kv: { type, mostTokens: fit.kvTokens, reason } };
}

function format(tokens: number): string {
  return tokens.toLocaleString('en-US');
}
