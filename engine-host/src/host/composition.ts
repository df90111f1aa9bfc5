/** Builds the host out of its real parts; the only file that knows them all. */
import path from 'node:path';
import type { Logger } from 'pino';
import { toWireError } from '#protocol/errors.ts';
import { createApi } from '../api/server.ts';
import { EngineClient } from '../engineClient/engineClient.ts';
import { Memory } from '../memory/memory.ts';
import { ChatTemplates } from '../templates/chatTemplates.ts';
import { systemReader } from '../monitor/monitor.ts';
import { trainerProcess } from '../training/trainerProcess.ts';
import { distFolder } from './distFolder.ts';
import type { HostFactories } from './hostParts.ts';
import { openLog } from './log.ts';
import { memoryOff } from './memoryOff.ts';
import type { MemoryPort } from './memoryPort.ts';
import { loadOsLock, type OsLock } from './osLock.ts';
import type { ZellPaths } from './paths.ts';
import { requestDrain } from './requestDrain.ts';

export function realFactories(): HostFactories {
  const lock = loadOsLock();
  return {
    lock,
    log: (file) => openLog(file),
    engine: (log) =>
      new EngineClient({
        script: path.join(distFolder(), 'engine.mjs'),
        log: (line) => log.info({ line }, 'engine'),
        streamPair: () => lock.streamPair(),
      }),
    memory: (paths, log) => openMemory(paths, lock, log),
    templates: () => new ChatTemplates(),
    api: (deps) => createApi(deps),
    requestDrain,
    machine: ({ home }) => systemReader(home),
    trainer: () => trainerProcess(path.join(distFolder(), 'trainer.mjs')),
  };
}

/** A log that cannot be opened must not keep the engine from answering: then nothing is recorded, and whoever asks is told why. */
async function openMemory(paths: ZellPaths, lock: OsLock, log: Logger): Promise<MemoryPort> {
  try {
    return await Memory.open({
      conversations: paths.conversations,
      memory: paths.memory,
      lock,
      redaction: { workerEntry: path.join(distFolder(), 'redactionWorker.mjs') },
      onProblem: (error) => log.error({ code: toWireError(error).code }, 'an exchange was not recorded'),
    });
  } catch (error) {
    const { code, message } = toWireError(error);
    log.error({ code, message }, 'the memory cannot be opened');
    return memoryOff(`The memory cannot be opened: ${message}`);
  }
}
