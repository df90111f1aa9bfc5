/** `zell bench MODEL`: prefill and decode speed of the engine, without HTTP in between. */
import type { BenchOptions } from '../program.ts';
import { modelPath, withHost } from '../session.ts';
import { print, printJson } from '../terminal.ts';

export async function bench(argument: string | undefined, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const name = await modelPath(argument);
  const { promptTokens, decodeTokens } = options;
  await withHost(async (session) => {
    const result = await session.request(
      'zell/engine/bench',
      { ...(name === undefined ? {} : { name }), promptTokens, decodeTokens },
      signal,
    );
    if (options.json === true) {
      printJson(result);
      return;
    }
    print(`prefill  ${result.prefill.tokensPerSecond.toFixed(1)} tokens/s (${result.prefill.tokens} tokens)`);
    print(`decode   ${result.decode.tokensPerSecond.toFixed(1)} tokens/s (${result.decode.tokens} tokens)`);
    print(`on       ${result.isa}, ${result.threads} threads`);
  }, signal);
}
