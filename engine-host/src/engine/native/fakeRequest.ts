/** A greedy request for tests. */
import type { GenerateRequest } from '#protocol/generation.ts';
import { GREEDY } from '#protocol/sampling.ts';

export function request(prompt: string, over: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    prompt: [{ text: prompt, special: false }],
    addBos: true,
    stop: [],
    sampling: { ...GREEDY, seed: 1 },
    priority: 'chat',
    ...over,
  };
}
