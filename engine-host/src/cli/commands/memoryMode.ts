/** `zell memory mode | pause | resume`. */
import { ZellError } from '#protocol/errors.ts';
import { MEMORY_MODES, type MemoryMode, type MemoryStatus } from '#protocol/memory.ts';
import type { JsonOption } from '../jsonOption.ts';
import { withHost } from '../session.ts';
import { print, printJson } from '../terminal.ts';

const WORDS: Readonly<Record<MemoryMode, string>> = {
  learn: 'Conversations are recorded and learnt.',
  log: 'Conversations are recorded; nothing is learnt from what is said from now on.',
  off: 'Nothing is recorded or learnt.',
};

/** Without a mode it says which one holds. */
export async function memoryMode(mode: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  const wanted = MEMORY_MODES.find((one) => one === mode);
  if (mode !== undefined && wanted === undefined)
    throw new ZellError('invalid_request', `The modes are ${MEMORY_MODES.join(', ')}.`);
  await withHost(async (session) => {
    const status =
      wanted === undefined
        ? await session.request('zell/memory/status', {}, signal)
        : await session.request('zell/memory/mode', { mode: wanted }, signal);
    tell(status, options);
  }, signal);
}

export async function memoryPause(time: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  const until = pauseEnd(time, Date.now());
  await withHost(async (session) => {
    tell(await session.request('zell/memory/pause', until === undefined ? {} : { until }, signal), options);
  }, signal);
}

export async function memoryResume(options: JsonOption, signal: AbortSignal): Promise<void> {
  await withHost(async (session) => {
    tell(await session.request('zell/memory/resume', {}, signal), options);
  }, signal);
}

/** `15m`, `1h`, `tomorrow`; undefined for no end. @throws {ZellError} invalid_request */
export function pauseEnd(time: string | undefined, now: number): number | undefined {
  if (time === undefined) return undefined;
  if (time === 'tomorrow') {
    const morning = new Date(now);
    morning.setHours(24, 0, 0, 0);
    return morning.getTime();
  }
  const match = /^(\d{1,4})(m|h)$/.exec(time);
  const minutes = Number(match?.[1] ?? 0) * (match?.[2] === 'h' ? 60 : 1);
  if (minutes < 1) throw new ZellError('invalid_request', 'Say how long: 15m, 1h, tomorrow, or nothing for no end.');
  return now + minutes * 60_000;
}

function tell({ mode, paused }: MemoryStatus, options: JsonOption): void {
  if (options.json === true) {
    printJson({ mode, paused: paused ?? null });
    return;
  }
  print(WORDS[mode]);
  if (paused === undefined) return;
  const end = paused.until === undefined ? 'zell memory resume' : new Date(paused.until).toLocaleString();
  print(`Learning is paused until ${end}.`);
}
