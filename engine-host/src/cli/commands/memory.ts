/** `zell memory status | list | clear | on | off`. */
import { confirmed } from '../confirmed.ts';
import { ZellError } from '#protocol/errors.ts';
import type { JsonOption } from '../jsonOption.ts';
import type { ClearOptions, ListOptions } from '../memoryProgram.ts';
import { loadModel, modelPath, withHost, type Session } from '../session.ts';
import { print, printJson } from '../terminal.ts';

export async function memoryStatus(model: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  await withModel(model, signal, async (session) => {
    const status = await session.request('zell/memory/status', {}, signal);
    if (options.json === true) {
      const { model: hash, events, unconsolidated, consolidated, lastEventId, state, enabled, sleep } = status;
      const { mode, paused, expiring } = status;
      printJson({
        model: hash,
        ...{ events, unconsolidated, consolidated, expiring, lastEventId },
        ...{ state, enabled, mode, paused, sleep },
      });
      return;
    }
    print(`Recording       ${status.enabled ? 'on' : 'off'}${status.mode === 'log' ? ', not to be learnt' : ''}`);
    print(`Events          ${status.events} in ${status.conversations} conversations`);
    print(`Not yet learnt  ${status.unconsolidated}`);
    if (status.expiring !== undefined) {
      const day = new Date(status.expiring.at).toISOString().slice(0, 10);
      print(`                ${status.expiring.events} of them go soon, the first on ${day}: texts stay 30 days`);
    }
    print(`Next sleep      ${status.closedWaiting} of ${status.sleepAfter} closed conversations`);
    if (status.sleep?.next !== undefined) print(`                ${status.sleep.next}`);
    print(`State           ${status.sleep?.phase ?? status.state}`);
    if (status.sleep !== undefined) print(`                ${status.sleep.reason}`);
  });
}

export async function memoryList(model: string | undefined, options: ListOptions, signal: AbortSignal): Promise<void> {
  await withModel(model, signal, async (session) => {
    const list = await session.request('zell/memory/list', { limit: options.limit }, signal);
    if (options.json === true) {
      printJson(list);
      return;
    }
    if (list.events.length === 0) print('The memory is empty.');
    for (const event of list.events) {
      const when = new Date(event.timestamp).toISOString().slice(0, 16).replace('T', ' ');
      const what = event.erased === true ? '(erased)' : oneLine(event.prompt === '' ? event.type : event.prompt);
      print(`${String(event.event_id).padStart(6)}  ${when}  ${what}`);
    }
  });
}

export async function memoryClear(options: ClearOptions, signal: AbortSignal): Promise<void> {
  if (
    options.yes !== true &&
    !(await confirmed(
      'Erase every recorded conversation?',
      'This erases every recorded conversation. Say so with --yes.',
      signal,
    ))
  ) {
    if (options.json === true) printJson({ erased: 0 });
    else print('Nothing was erased.');
    return;
  }
  await withHost(async (session) => {
    const { erased } = await session.request('zell/memory/clear', {}, signal);
    if (options.json === true) printJson({ erased });
    else print(`${erased} events were erased.`);
  }, signal);
}

export async function memoryEnable(enabled: boolean, options: JsonOption, signal: AbortSignal): Promise<void> {
  await withHost(async (session) => {
    await session.request('zell/memory/enable', { enabled }, signal);
    if (options.json === true) printJson({ enabled });
    else print(enabled ? 'Conversations are recorded.' : 'Nothing is recorded any more.');
  }, signal);
}

/** The memory's figures are those of the loaded model; a named one is loaded first. */
async function withModel(
  argument: string | undefined,
  signal: AbortSignal,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const path = await modelPath(argument);
  await withHost(async (session) => {
    try {
      await loadModel(session, path, signal);
    } catch (error) {
      // Without any model the memory can still be looked at.
      if (path !== undefined || !ZellError.is(error, 'model_not_found')) throw error;
    }
    await work(session);
  }, signal);
}

/** Text of strangers goes to a terminal without its control characters. */
export function oneLine(text: string): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return plain.length > 100 ? `${plain.slice(0, 99)}…` : plain;
}
