/** `zell build --system-prompt`: a system prompt is evaluated ahead of use and kept on the disk, as requests will need it. */
import type { KeptPrefix } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import type { HostEngine } from './hostEngine.ts';
import type { MemoryPort } from './memoryPort.ts';

/** More than a KV block of tokens: whole blocks are written, and the block that the system prompt ends in must be whole. */
const QUESTIONS = ['Which? '.repeat(40), 'Why? '.repeat(56)] as const;

export interface PrefixParts {
  readonly engine: Pick<HostEngine, 'call'>;
  readonly memory: Pick<MemoryPort, 'mayKeep' | 'status'>;
  readonly templates: Pick<ChatTemplates, 'render'>;
}

/**
 * `onProgress`: 0–1.
 * @throws {ZellError} invalid_request for what must not lie on the disk; context_overflow, template_failed …
 */
export async function buildPrefix(
  { engine, memory, templates }: PrefixParts,
  model: ModelInfo,
  system: string,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<KeptPrefix> {
  if ((await memory.mayKeep?.([system])) !== true) throw await refusal(memory);
  const { name, chatTemplate, bosText, eosText } = model;
  const render = async (user: string): Promise<Awaited<ReturnType<ChatTemplates['render']>>['parts']> => {
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ] as const;
    return (await templates.render({ model: name, template: chatTemplate, bosText, eosText }, messages, {}, signal))
      .parts;
  };
  const [prompt, other] = [await render(QUESTIONS[0]), await render(QUESTIONS[1])];
  const params = { forModel: model.modelHash, prompt, other, addBos: true };
  return engine.call('keepPrefix', params, signal, onProgress);
}

async function refusal(memory: Pick<MemoryPort, 'status'>): Promise<ZellError> {
  const { enabled } = await memory.status(undefined);
  return new ZellError(
    'invalid_request',
    enabled
      ? 'The system prompt looks as if it held a secret, so it is not written to the disk.'
      : 'Recording is off, so nothing is written to the disk. "zell memory on" turns it on.',
  );
}
