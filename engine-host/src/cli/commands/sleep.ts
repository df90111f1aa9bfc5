/** `zell memory sleep [--budget 20m] | wake`: asks the host to learn, and shows how it goes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryStatus } from '#protocol/memory.ts';
import { ZellError } from '#protocol/errors.ts';
import type { JsonOption } from '../jsonOption.ts';
import type { SleepOptions } from '../memoryProgram.ts';
import { loadModel, modelPath, withHost, withRunningHost } from '../session.ts';
import { print, printJson, ProgressLine } from '../terminal.ts';

const LOOK_MS = 500;

export async function memorySleep(
  argument: string | undefined,
  options: SleepOptions,
  signal: AbortSignal,
): Promise<void> {
  const path = await modelPath(argument);
  await withHost(async (session) => {
    await loadModel(session, path, signal);
    const wish = options.budget === undefined ? {} : { budgetMinutes: options.budget };
    const before = (await session.request('zell/memory/status', {}, signal)).sleep?.last?.at;
    let status = await session.request('zell/memory/sleep', wish, signal);
    const line = new ProgressLine();
    while (options.detach !== true && status.state !== 'awake') {
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        await session.request('zell/memory/wake', {}, AbortSignal.timeout(5000));
        line.end();
        throw new ZellError('cancelled', 'Woken up; what was done is kept.');
      }
      status = await session.request('zell/memory/status', {}, signal);
      // A file or a pipe gets a line for each phase, a terminal the figures.
      line.show(process.stderr.isTTY ? words(status) : (status.sleep?.phase ?? ''), 0, 0);
    }
    line.end();
    if (options.json === true) printJson(status);
    else {
      const { last, reason } = status.sleep ?? {};
      // The sentence of the moment is about the next sleep already.
      print((last?.at === before ? reason : last?.words) ?? '');
    }
  }, signal);
}

export async function memoryWake(options: JsonOption, signal: AbortSignal): Promise<void> {
  const status = await withRunningHost((session) => session.request('zell/memory/wake', {}, signal));
  if (options.json === true) printJson(status ?? null);
  else print(status?.sleep?.reason ?? 'Nothing runs, so nothing sleeps.');
}

function words({ sleep }: MemoryStatus): string {
  if (sleep === undefined) return '';
  const { progress, phase, reason, held } = sleep;
  if (progress === undefined || held) return reason;
  const loss = progress.loss === undefined ? '' : `, loss ${progress.loss.toFixed(2)}`;
  const speed = progress.tokensPerSecond === undefined ? '' : `, ${Math.round(progress.tokensPerSecond)} tokens/s`;
  const left = progress.leftMs === undefined ? '' : `, ${Math.ceil(progress.leftMs / 60_000)} min left`;
  return `${phase} ${Math.round(progress.done * 100)} %${loss}${speed}${left}`;
}
