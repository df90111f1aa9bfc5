/** Entry of the template process (`dist/templateWorker.mjs`): answers one job after another. The parent kills it when it takes too long. */
import vm from 'node:vm';
import { renderJob } from './renderJob.ts';
import type { RenderJob, RenderReply } from './types.ts';

/** Should the parent die while a template loops, nobody would kill this process: it stops by itself. */
const ORPHAN_MS = 15_000;
const KEY = Symbol.for('zell.renderJob');

process.on('message', (job: RenderJob) => {
  let reply: RenderReply;
  try {
    // A timeout of `vm` also interrupts functions from outside of the script.
    Reflect.set(globalThis, KEY, () => renderJob(job));
    const script = "globalThis[Symbol.for('zell.renderJob')]()";
    const prompt = vm.runInThisContext(script, { timeout: ORPHAN_MS }) as ReturnType<typeof renderJob>;
    reply = { id: job.id, ok: true, prompt };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    reply = { id: job.id, ok: false, message: message.slice(0, 200) };
  }
  process.send?.(reply);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
