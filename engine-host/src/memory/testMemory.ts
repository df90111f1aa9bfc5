/** For tests: a memory in a folder, with the real search for secrets in this process. */
import path from 'node:path';
import { testLock } from '../store/testLock.ts';
import { Memory } from './memory.ts';
import type { MemoryOptions } from './memoryTypes.ts';
import { redact } from './redact.ts';

export function openTestMemory(home: string, more: Partial<MemoryOptions> = {}): Promise<Memory> {
  return Memory.open({
    conversations: path.join(home, 'conversations'),
    memory: path.join(home, 'memory'),
    lock: testLock(),
    redaction: {
      redactor: {
        redact: (texts) => Promise.all(texts.map((text) => redact(text, new Uint8Array(32)))),
        close: () => Promise.resolve(),
      },
    },
    onProblem: () => undefined,
    ...more,
  });
}
