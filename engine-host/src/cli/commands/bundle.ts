/** `zell memory export --bundle DIR`: what another machine trains an adapter with. */
import path from 'node:path';
import { confirmed } from '../confirmed.ts';
import type { ExportOptions } from '../memoryProgram.ts';
import { loadModel, modelPath, withHost } from '../session.ts';
import { note, print, printJson } from '../terminal.ts';

/** Each bundle is asked for: it is the one way on which memories leave this machine. */
export async function memoryBundle(bundle: string, options: ExportOptions, signal: AbortSignal): Promise<void> {
  const model = await modelPath(options.model);
  const folder = path.resolve(bundle);
  await withHost(async (session) => {
    const { cards } = await session.request('zell/memory/cards', {}, signal);
    const what = `${cards.length} memories about you, as plain text in ${folder}`;
    const agreed =
      options.yes === true ||
      (await confirmed(
        `This writes ${what}, for a machine that is not this one. Go on?`,
        `This writes ${what}, for a machine that is not this one. Agree with --yes.`,
        signal,
      ));
    if (!agreed) {
      if (options.json === true) printJson({ folder: null });
      else print('Nothing was written.');
      return;
    }
    await loadModel(session, model, signal);
    const wish = { folder, ...(options.base === undefined ? {} : { base: options.base }) };
    const report = await session.request('zell/memory/bundle', wish, signal);
    if (options.json === true) {
      printJson(report);
      return;
    }
    print(
      `${report.train} conversations to train on and ${report.valid} to check with were written to ${report.folder}.`,
    );
    if (report.leftOut > 0) note(`${report.leftOut} looked as if they held a secret and were left out.`);
    note('Train there: axolotl train axolotl.yml. Then here: zell lora MODEL import DIR');
  }, signal);
}
