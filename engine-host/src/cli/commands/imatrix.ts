/** `zell imatrix MODEL TEXT… -o FILE`: an importance matrix, measured in an engine process of its own. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { withEngine } from '../../host/separateEngine.ts';
import type { ImatrixCommandOptions } from '../program.ts';
import { withoutRemains } from '../remains.ts';
import { modelPath } from '../session.ts';
import { note, print, printJson, ProgressLine } from '../terminal.ts';

/** Below this an importance matrix says more about the text than about the model. */
const FEW_TOKENS = 10_000;

export async function imatrix(
  model: string,
  texts: readonly string[],
  options: ImatrixCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const source = await modelPath(model);
  const target = path.resolve(options.output);
  if (existsSync(target) && options.force !== true)
    throw new ZellError('invalid_request', `${target} exists already; --force replaces it.`);
  // A text that is not there is the engine's to name.
  const bytes = texts.reduce((sum, text) => sum + (statSync(text, { throwIfNoEntry: false })?.size ?? 0), 0);
  const line = new ProgressLine();
  await withoutRemains(target, line, async () => {
    const report = await withEngine((engine) =>
      engine.call(
        'measureImportance',
        {
          model: source,
          texts: texts.map((text) => path.resolve(text)),
          output: target,
          options: {
            chunkTokens: options.chunk,
            ...(options.threads === undefined ? {} : { threads: options.threads }),
          },
        },
        signal,
        (fraction) => line.show('Reading', fraction * bytes, bytes),
      ),
    );
    line.end();
    if (options.json === true) {
      printJson({ model: source, output: target, ...report });
      return;
    }
    print(`${report.tokens} tokens in ${report.chunks} pieces, ${report.tensors} tensors: ${target}`);
    if (report.tokens < FEW_TOKENS)
      note('That is little text: some ten thousand tokens and more make a better matrix.');
    if (report.unreached > 0)
      note(`${report.unreached} matrices of experts met no token; they will be quantised without importance.`);
  });
}
