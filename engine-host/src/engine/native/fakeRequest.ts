/** A greedy request for tests. */
import type { GenerateRequest } from '#protocol/engine.ts';

export function request(prompt: string, over: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    prompt: [{ text: prompt, special: false }],
    addBos: true,
    stop: [],
    sampling: {
      temperature: 0,
      topK: 0,
      topP: 1,
      minP: 0,
      repeatPenalty: 1,
      repeatLastN: 0,
      frequencyPenalty: 0,
      presencePenalty: 0,
      seed: 1,
    },
    priority: 'chat',
    ...over,
  };
}
