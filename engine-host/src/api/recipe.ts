/** What the name of a made model adds to a request: a system message, messages before it, sampling parameters. */
import type { SamplingParams } from '#protocol/sampling.ts';
import type { Recipe } from '../models/recipe.ts';
import type { ChatMessage } from './deps.ts';

/** The conversation behind the recipe's own messages; its system message is for conversations without one. */
export function withMessages(messages: readonly ChatMessage[], recipe: Recipe | undefined): readonly ChatMessage[] {
  if (recipe?.system === undefined && recipe?.messages === undefined) return messages;
  const own = messages[0]?.role === 'system' ? messages[0] : undefined;
  const system = own ?? (recipe.system === undefined ? undefined : { role: 'system' as const, content: recipe.system });
  const rest = own === undefined ? messages : messages.slice(1);
  return [...(system === undefined ? [] : [system]), ...(recipe.messages ?? []), ...rest];
}

const NAMES: Readonly<Record<string, Exclude<keyof SamplingParams, 'logitBias'>>> = {
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  repeat_penalty: 'repeatPenalty',
  repeat_last_n: 'repeatLastN',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
};

/** The family's defaults with those of the model's name. */
export function withParameters(defaults: SamplingParams, parameters: Recipe['parameters']): SamplingParams {
  if (parameters === undefined) return defaults;
  const own = Object.entries(NAMES).flatMap(([name, key]) => {
    const value = parameters[name];
    return typeof value === 'number' ? [[key, value] as const] : [];
  });
  return { ...defaults, ...Object.fromEntries(own) };
}
