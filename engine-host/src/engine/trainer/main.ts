/** Entry of the trainer process: one trainer, asked over the message channel of the process that started this one. */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { toWireError, ZellError } from '#protocol/errors.ts';
import type { FromTrainer, ToTrainer, TrainerCalls, TrainerMethod } from '#protocol/trainer.ts';
import { addonPath, loadAddon } from '../native/loadAddon.ts';
import { AddonTrainer } from '../native/nativeTrainer.ts';

type Handlers = {
  readonly [M in TrainerMethod]: (
    params: TrainerCalls[M]['params'],
    signal: AbortSignal,
  ) => Promise<TrainerCalls[M]['result']> | TrainerCalls[M]['result'];
};

let trainer: AddonTrainer | undefined;
let stop = new AbortController();

const HANDLERS: Handlers = {
  open: async ({ modelPath, recipe, warmStart }, signal) => {
    const addon = loadAddon(addonPath(process.env, import.meta.url));
    trainer = await AddonTrainer.open(addon, modelPath, recipe, warmStart === undefined ? {} : { warmStart }, signal);
    return trainer.plan;
  },
  addItems: ({ items }) => {
    opened().addItems(items);
    return null;
  },
  steps: () => opened().steps(),
  run: ({ steps }, signal) => opened().run(steps, (progress) => send({ type: 'progress', progress }), signal),
  saveCheckpoint: async ({ path }) => {
    await opened().saveCheckpoint(path);
    return null;
  },
  loadCheckpoint: async ({ path }) => {
    await opened().loadCheckpoint(path);
    return null;
  },
  saveAdapter: ({ path, metadata }) => opened().saveAdapter(path, metadata),
  adapterHash: () => opened().adapterHash(),
  baseDistributions: ({ tokens, loss, top }, signal) => opened().baseDistributions(tokens, loss, top, signal),
};

function opened(): AddonTrainer {
  if (trainer === undefined) throw new ZellError('invalid_request', 'No model is open for training.');
  return trainer;
}

async function answer<M extends TrainerMethod>(
  id: number,
  method: M,
  params: TrainerCalls[M]['params'],
): Promise<void> {
  stop = new AbortController();
  try {
    const handler: Handlers[M] = HANDLERS[method];
    send({ type: 'result', id, value: await handler(params, stop.signal) });
  } catch (error) {
    send({ type: 'error', id, error: toWireError(error) });
  }
}

function send(message: FromTrainer): void {
  process.send?.(message);
}

/** Behind everything else that the machine does, and the first to go when memory runs out. */
async function beNice(): Promise<void> {
  try {
    os.setPriority(os.constants.priority.PRIORITY_LOW);
  } catch {
    // Then at the usual priority.
  }
  if (process.platform === 'linux') await writeFile('/proc/self/oom_score_adj', '500').catch(() => undefined);
}

process.on('message', (message: ToTrainer) => {
  if (message.type === 'call') void answer(message.id, message.method, message.params);
  else if (message.type === 'stop') {
    // What is paused would never notice.
    stop.abort();
    trainer?.resume();
  } else trainer?.[message.type]();
});
// Nothing here needs saving that is not on the disk, and the front may be dead.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C in a terminal reaches the whole group; the front decides when this ends.
process.on('SIGINT', () => undefined);
void beNice();
