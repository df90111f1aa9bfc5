/** `zell models list` and `zell models fetch NAME`; neither needs a running engine. */
import { ZellError } from '#protocol/errors.ts';
import { loadOsLock } from '../../host/osLock.ts';
import { prepareHome, zellPaths } from '../../host/paths.ts';
import { CATALOGUE, findInCatalogue } from '../../models/catalogue.ts';
import { fetchModel } from '../../models/fetchModel.ts';
import { modelChoices } from '../../models/modelChoices.ts';
import { ModelRegistry } from '../../models/registry.ts';
import type { JsonOption } from '../jsonOption.ts';
import { formatBytes, note, print, printJson, ProgressLine } from '../terminal.ts';

export async function listModels(options: JsonOption): Promise<void> {
  const choices = await modelChoices(new ModelRegistry(zellPaths()));
  if (options.json === true) {
    printJson(choices);
    return;
  }
  const width = Math.max(...choices.map((choice) => choice.name.length)) + 2;
  for (const choice of choices) {
    const state = choice.installed ? 'here' : choice.fits ? 'fits' : 'large';
    print(`${choice.name.padEnd(width)}${formatBytes(choice.bytes).padStart(7)}  ${state.padEnd(6)}${choice.note}`);
  }
  note('here: on this disk; fits: can be fetched and fits into memory; large: does not fit into memory now.');
}

export async function fetchByName(name: string, options: JsonOption, signal: AbortSignal): Promise<void> {
  const entry = findInCatalogue(name);
  if (entry === undefined) {
    const names = CATALOGUE.map((e) => e.name).join(', ');
    throw new ZellError('model_not_found', `"${name}" is not in the catalogue. It has ${names}.`);
  }
  const paths = zellPaths();
  await prepareHome(paths);
  const line = new ProgressLine();
  try {
    const fetched = await fetchModel(
      entry,
      {
        registry: new ModelRegistry(paths),
        folders: paths,
        lock: loadOsLock(),
        onProgress: ({ step, doneBytes, totalBytes }) => line.show(step, doneBytes, totalBytes),
      },
      signal,
    );
    line.end();
    if (options.json === true) printJson({ name: entry.name, path: fetched.path, fetched: fetched.fetched });
    else note(`${entry.name}: ${fetched.fetched ? 'verified and stored at' : 'is here,'} ${fetched.path}`);
  } finally {
    line.end();
  }
}
