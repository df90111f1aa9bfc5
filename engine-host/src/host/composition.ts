/** Builds the host out of its real parts; the only file that knows them all. */
import path from 'node:path';
import { createApi } from '../api/server.ts';
import { EngineClient } from '../engineClient/engineClient.ts';
import { distFolder } from './distFolder.ts';
import type { HostFactories } from './host.ts';
import { openLog } from './log.ts';
import { memoryOff } from './memoryOff.ts';
import { loadOsLock } from './osLock.ts';
import { requestDrain } from './requestDrain.ts';

export function realFactories(): HostFactories {
  return {
    lock: loadOsLock(),
    log: (file) => openLog(file),
    engine: () => new EngineClient({ script: path.join(distFolder(), 'engine.mjs') }),
    memory: () => Promise.resolve(memoryOff('The memory is not part of this build.')),
    api: (deps) => createApi(deps),
    requestDrain,
  };
}
