/** Choosing a model, and the page that says what it needs and whether it fits. */
import * as vscode from 'vscode';
import type { ModelChoice } from '#protocol/editor.ts';
import { mebibytes, profilePage } from '../../core/fitReport.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import { reporting } from '../../platform/reporting.ts';

const PROFILE_SCHEME = 'zell-profile';

interface ModelPick extends vscode.QuickPickItem {
  /** Name or path; undefined opens the file dialogue. */
  readonly name?: string;
}

export function registerModels(engine: EngineService): vscode.Disposable {
  const page = new ProfilePage();
  return vscode.Disposable.from(
    page,
    vscode.workspace.registerTextDocumentContentProvider(PROFILE_SCHEME, page),
    vscode.commands.registerCommand('zell.chooseModel', () => reporting(() => chooseModel(engine))),
    vscode.commands.registerCommand('zell.buildProfile', () => reporting(() => buildProfile(engine, page))),
    vscode.commands.registerCommand('zell.showProfile', () => reporting(() => showProfile(engine, page))),
  );
}

async function chooseModel(engine: EngineService): Promise<void> {
  const picks = engine.request('zell/models/list', {}).then(({ models }) => [...models.map(toPick), ...browse()]);
  const pick = await vscode.window.showQuickPick(picks, {
    title: 'Zell: Choose Model',
    placeHolder: 'Models on this machine and in the catalogue',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  const name = pick && (pick.name ?? (await browseForFile()));
  if (name === undefined) return;
  const { model } = await withSteps(engine, `Zell: loading ${name}`, (signal) =>
    engine.request('zell/models/choose', { name }, signal),
  );
  vscode.window.setStatusBarMessage(`Zell: ${model.name} is loaded.`, 4000);
}

function toPick(model: ModelChoice): ModelPick {
  const notes = [
    model.loaded ? 'loaded' : model.installed ? 'on this machine' : 'download',
    mebibytes(model.bytes),
    ...(model.fits ? [] : ['larger than the free memory']),
  ];
  return {
    name: model.name,
    label: `${model.loaded ? '$(check) ' : model.installed ? '' : '$(cloud-download) '}${model.title}`,
    description: notes.join(' · '),
    detail: [model.note, model.license].filter((text) => text !== undefined && text !== '').join(' · '),
  };
}

function browse(): ModelPick[] {
  return [
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(folder-opened) Choose a GGUF file…', description: '' },
  ];
}

async function browseForFile(): Promise<string | undefined> {
  const files = await vscode.window.showOpenDialog({
    title: 'Choose a model',
    openLabel: 'Load',
    canSelectMany: false,
    filters: { 'GGUF model': ['gguf'] },
  });
  return files?.[0]?.fsPath;
}

/** What is known of the model that is loaded or chosen. */
async function showProfile(engine: EngineService, page: ProfilePage): Promise<void> {
  const progress = { location: vscode.ProgressLocation.Window, title: 'Zell: reading the model' };
  const { model, answer } = await vscode.window.withProgress(progress, async () => {
    const { model: summary } = await engine.request('zell/models/profile', {});
    const known = await engine.request('zell/profile/get', {});
    return { model: summary, answer: known.answer };
  });
  await page.open(model.name, profilePage(model, answer));
}

/** Measures anew; takes up to a minute and can be cancelled. */
async function buildProfile(engine: EngineService, page: ProfilePage): Promise<void> {
  const { profile, text } = await withSteps(engine, 'Zell: building the model profile', (signal) =>
    engine.request('zell/profile/build', { force: true }, signal),
  );
  await page.open(profile.model.name, text);
}

/** Runs `work` under a notification that shows what the host says it does, and cancels it. */
async function withSteps<T>(
  engine: EngineService,
  title: string,
  work: (signal: AbortSignal) => PromiseLike<T>,
): Promise<T> {
  const progress = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(progress, async (report, token) => {
    const cancelled = new AbortController();
    const listeners = vscode.Disposable.from(
      token.onCancellationRequested(() => {
        cancelled.abort();
      }),
      engine.onDidChange((view) => {
        if (view.kind === 'connected') report.report({ message: view.status.detail });
      }),
    );
    try {
      return await work(cancelled.signal);
    } finally {
      listeners.dispose();
    }
  });
}

/** A read-only document for each model. */
class ProfilePage implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changed.event;

  async open(model: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: PROFILE_SCHEME, path: `/${model}.md` });
    this.#texts.set(uri.toString(), text);
    this.#changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
