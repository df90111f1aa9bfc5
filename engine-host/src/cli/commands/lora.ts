/** `zell lora MODEL list | info | load FILE | unload | rollback | import DIR | export --peft DIR`. */
import path from 'node:path';
import type { AdapterList, AdapterVersion } from '#protocol/adapters.ts';
import { ZellError } from '#protocol/errors.ts';
import { checkAdapters } from '../adapterOption.ts';
import type { LoraAction, LoraOptions } from '../program.ts';
import { loadModel, modelPath, withHost, withRunningHost, type Session } from '../session.ts';
import { verdictTable } from '../verdictTable.ts';
import { EXIT, ExitError, formatBytes, note, print, printJson } from '../terminal.ts';

export async function lora(
  model: string,
  action: LoraAction,
  file: string | undefined,
  options: LoraOptions,
  signal: AbortSignal,
): Promise<void> {
  const modelFile = await modelPath(model);
  const withModel = async (work: (session: Session) => Promise<void>): Promise<void> =>
    withHost(async (session) => {
      await loadModel(session, modelFile, signal);
      await work(session);
    }, signal);
  switch (action) {
    case 'list':
      return withModel(async (session) => list(await session.request('zell/adapters/list', {}, signal), options));
    case 'info':
      return withModel(async (session) => info(await session.request('zell/adapters/list', {}, signal), options));
    case 'rollback':
      return withModel(async (session) => {
        const result = await session.request('zell/adapters/rollback', {}, signal);
        if (options.json === true) printJson(result);
        else print(result.to === null ? 'No adapter answers now.' : `Version ${result.to} answers now.`);
      });
    case 'import':
      return withModel((session) => importFrom(session, file, options, signal));
    case 'export':
      return withModel((session) => exportTo(session, options, signal));
    case 'load':
      return load(modelFile, file, options, signal);
    case 'unload':
      return unload(modelFile, options, signal);
  }
}

async function exportTo(session: Session, options: LoraOptions, signal: AbortSignal): Promise<void> {
  if (options.peft === undefined) throw new ZellError('invalid_request', 'Where to? Say it with --peft DIR.');
  const folder = path.resolve(options.peft);
  await session.request('zell/adapters/export', { folder }, signal);
  note('This adapter was learnt from your conversations; whoever has it can ask it about them.');
  if (options.json === true) printJson({ folder });
  else print(`Written to ${folder}`);
}

/** Promoted only when it passes what a night's adapter has to pass. */
async function importFrom(
  session: Session,
  file: string | undefined,
  options: LoraOptions,
  signal: AbortSignal,
): Promise<void> {
  if (file === undefined) throw new ZellError('invalid_request', 'From where? zell lora MODEL import DIR');
  note('Measuring it beside the bare model; that takes a minute or more.');
  const { version, limits } = await session.request('zell/adapters/import', { path: path.resolve(file) }, signal);
  const passed = version.state === 'promoted';
  if (options.json === true) printJson(version);
  else {
    for (const line of version.verdict === undefined ? [] : verdictTable(version.verdict, limits)) print(line);
    print(
      passed
        ? `Version ${version.version} answers now; "rollback" goes back.`
        : 'It does not answer. "load FILE" takes a GGUF adapter as it is, until the engine ends.',
    );
  }
  if (!passed) throw new ExitError(EXIT.checkFailed);
}

/** A host that ends with this command would forget the adapter at once. */
async function load(model: string, file: string | undefined, options: LoraOptions, signal: AbortSignal): Promise<void> {
  if (file === undefined) throw new ZellError('invalid_request', 'Which file? zell lora MODEL load FILE');
  const [adapter] = await checkAdapters([{ path: path.resolve(file), scale: options.scale }]);
  if (adapter === undefined) return;
  const loaded = await onRunning(async (session) => {
    await loadModel(session, model, signal);
    return (await session.request('zell/adapters/load', adapter, signal)).adapter;
  });
  if (options.json === true) printJson(loaded);
  else print(`${loaded.name} answers with scale ${loaded.scale}: rank ${loaded.rank}, ${loaded.matrices} matrices.`);
}

/** Those of the user; the model's own one has `rollback`. */
async function unload(model: string, options: LoraOptions, signal: AbortSignal): Promise<void> {
  const ids = await onRunning(async (session) => {
    await loadModel(session, model, signal);
    const { loaded, model: hash } = await session.request('zell/adapters/list', {}, signal);
    const mine = loaded.filter(({ path: file }) => !isOwn(file, hash)).map(({ id }) => id);
    for (const id of mine) await session.request('zell/adapters/unload', { id }, signal);
    return mine;
  });
  if (options.json === true) printJson({ unloaded: ids });
  else print(ids.length === 0 ? 'Nothing was loaded by you.' : `${ids.length} unloaded.`);
}

async function onRunning<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const result = await withRunningHost(async (session) => ({ value: await work(session) }));
  if (result !== undefined) return result.value;
  note('No engine runs. "zell serve MODEL --lora FILE" starts one, "zell run --lora FILE" answers once.');
  throw new ExitError(EXIT.notRunning);
}

function list(adapters: AdapterList, options: LoraOptions): void {
  if (options.json === true) {
    printJson(adapters);
    return;
  }
  if (adapters.versions.length === 0) print('This model has learnt no adapter yet.');
  for (const version of adapters.versions) {
    const mark = version.version === adapters.active ? '*' : ' ';
    const when = new Date(version.createdAt).toISOString().slice(0, 16).replace('T', ' ');
    const learnt = `${version.cards.length} cards`.padStart(10);
    print(
      `${mark} ${String(version.version).padStart(3)}  ${when}  ${version.state.padEnd(10)} ${learnt}  ${failures(version)}`,
    );
  }
  for (const { path: file, scale } of adapters.loaded)
    if (!isOwn(file, adapters.model)) print(`  loaded by you: ${file} with scale ${scale}`);
  if (adapters.problem !== undefined) note(adapters.problem);
}

function info(adapters: AdapterList, options: LoraOptions): void {
  const version = adapters.versions.find((v) => v.version === adapters.active);
  if (options.json === true) {
    printJson(version ?? null);
    return;
  }
  if (version === undefined) {
    print('No adapter of its own answers with this model.');
    return;
  }
  print(`Version         ${version.version}, ${formatBytes(version.bytes)}`);
  print(`SHA-256         ${version.sha256}`);
  print(
    `Made            ${new Date(version.createdAt).toISOString()} by ${version.by === 'sleep' ? 'a sleep' : 'an import'}`,
  );
  print(`Learnt from     ${version.events.length} exchanges, ${version.cards.length} cards`);
  const { verdict } = version;
  if (verdict === undefined || adapters.limits === undefined) return;
  for (const line of verdictTable(verdict, adapters.limits)) print(line);
}

function failures({ verdict }: AdapterVersion): string {
  return verdict === undefined || verdict.passed ? '' : verdict.failed.join(' ');
}

function isOwn(file: string, model: string): boolean {
  return path.basename(path.dirname(file)) === model || path.basename(file) === `${model}_auto.lora`;
}
