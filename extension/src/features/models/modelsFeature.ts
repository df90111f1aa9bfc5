/** Choosing a model, and the page that says what it needs and whether it fits. */
import * as vscode from 'vscode';
import type { ModelChoice } from '#protocol/editor.ts';
import { fitReport, mebibytes } from '../../core/fitReport.ts';
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
    vscode.commands.registerCommand('zell.buildProfile', () =>
      reporting(() => showProfile(engine, page, 'Zell: building the model profile')),
    ),
    vscode.commands.registerCommand('zell.showProfile', () =>
      reporting(() => showProfile(engine, page, 'Zell: reading the model')),
    ),
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
  const progress = {
    location: vscode.ProgressLocation.Notification,
    title: `Zell: loading ${name}`,
    cancellable: true,
  };
  await vscode.window.withProgress(progress, async (report, token) => {
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
      const { model } = await engine.request('zell/models/choose', { name }, cancelled.signal);
      vscode.window.setStatusBarMessage(`Zell: ${model.name} is loaded.`, 4000);
    } finally {
      listeners.dispose();
    }
  });
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

async function showProfile(engine: EngineService, page: ProfilePage, title: string): Promise<void> {
  const { model } = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () =>
    engine.request('zell/models/profile', {}),
  );
  const uri = vscode.Uri.from({ scheme: PROFILE_SCHEME, path: `/${model.name}.md` });
  page.show(uri, fitReport(model));
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

/** A read-only document for each model. */
class ProfilePage implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changed.event;

  show(uri: vscode.Uri, text: string): void {
    this.#texts.set(uri.toString(), text);
    this.#changed.fire(uri);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
