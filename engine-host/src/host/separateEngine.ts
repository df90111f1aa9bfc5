/** An engine process for one piece of work, beside the host's: neither a chat nor a crash of one meets the other. */
import path from 'node:path';
import { EngineClient } from '../engineClient/engineClient.ts';
import { distFolder } from './distFolder.ts';

/** Starts it, works with it, ends it. */
export async function withEngine<T>(work: (engine: EngineClient) => Promise<T>): Promise<T> {
  const engine = new EngineClient({ script: path.join(distFolder(), 'engine.mjs') });
  try {
    await engine.start();
    return await work(engine);
  } finally {
    await engine.stop();
  }
}
