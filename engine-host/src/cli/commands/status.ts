/** `zell status`: whether an engine runs, where, and what it does. */
import type { JsonOption } from '../jsonOption.ts';
import { withRunningHost } from '../session.ts';
import { EXIT, ExitError, print, printJson } from '../terminal.ts';

export async function status(options: JsonOption, signal: AbortSignal): Promise<void> {
  const found = await withRunningHost(async (session) => ({
    base: session.base,
    status: await session.request('zell/status/get', {}, signal),
  }));
  if (found === undefined) {
    if (options.json === true) printJson({ state: 'stopped' });
    else print('No Zell engine is running.');
    throw new ExitError(EXIT.notRunning);
  }
  const { base, status: now } = found;
  if (options.json === true) {
    printJson(now);
    return;
  }
  print(`Zell ${now.version} on ${base} (process ${now.pid}): ${now.state}`);
  print(now.detail);
  if (now.model !== undefined)
    print(`Model    ${now.model.name}, ${now.model.quantization}, context ${now.model.contextLength}`);
  const kv = now.model?.kv;
  if (kv !== undefined) print(`KV cache ${kv.type}, up to ${kv.mostTokens} tokens (${kv.reason})`);
  print(`Queue    ${now.queue.running} running, ${now.queue.waiting} waiting, ${now.queue.slots} slots`);
  print(`Editors  ${now.leases}`);
  if (now.tokensPerSecond > 0) print(`Speed    ${now.tokensPerSecond.toFixed(1)} tokens/s`);
  if (now.restraint !== undefined) print(`Held     ${now.restraint.reason}`);
  if (now.shrunk !== undefined) print(`Memory   less of the model is there than planned: ${now.shrunk}`);
  if (now.memory !== undefined)
    print(
      `Memory   ${now.memory.enabled ? now.memory.state : 'off'}, ${now.memory.closedWaiting} of ${now.memory.sleepAfter} conversations until the next sleep`,
    );
}
