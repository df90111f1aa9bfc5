/** Stands where the memory would: records nothing and says so. */
import { ZellError } from '#protocol/errors.ts';
import type { MemoryStatus } from '#protocol/memory.ts';
import type { MemoryPort } from './memoryPort.ts';

export function memoryOff(reason: string): MemoryPort {
  const refuse = (): Promise<never> => Promise.reject(new ZellError('memory_off', reason));
  const empty = (model: string | undefined): MemoryStatus => ({
    model: model ?? '',
    enabled: false,
    mode: 'off',
    events: 0,
    unconsolidated: 0,
    consolidated: 0,
    lastEventId: 0,
    conversations: 0,
    closedWaiting: 0,
    sleepAfter: 100,
    state: 'awake',
  });
  return {
    exchange: () => undefined,
    status: (model) => Promise.resolve(empty(model)),
    list: refuse,
    erase: refuse,
    clear: refuse,
    cards: () => [],
    card: refuse,
    conversation: refuse,
    find: refuse,
    editCard: refuse,
    importCards: refuse,
    forget: refuse,
    choose: refuse,
    completionAccepted: () => undefined,
    completionRejected: () => undefined,
    closeConversation: () => undefined,
    onChange: () => undefined,
    close: () => Promise.resolve(),
  };
}
