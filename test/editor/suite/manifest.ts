/** What the installed package declares, and what the editor made of it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';

interface Manifest {
  readonly capabilities: { readonly untrustedWorkspaces: { readonly supported: unknown } };
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly configuration: readonly {
      readonly properties: Readonly<Record<string, { readonly default: unknown; readonly scope: string }>>;
    }[];
  };
}

export const EXTENSION = 'zell.zell';
/** Settings that name a place or speak to the model: no workspace may set them. */
const MACHINE_ONLY = [
  'zell.home',
  'zell.prefixes.maxDiskMegabytes',
  'zell.throttle',
  'zell.chat.systemPrompt',
  'zell.chat.maxTokens',
];

export function manifestSuite(): void {
  describe('the installed package', () => {
    const extension = vscode.extensions.getExtension(EXTENSION)!;
    const manifest = extension.packageJSON as Manifest;
    const settings = Object.assign(
      {},
      ...manifest.contributes.configuration.map(({ properties }) => properties),
    ) as Manifest['contributes']['configuration'][number]['properties'];

    it('activates from its installed folder, which holds no sources', async () => {
      await extension.activate();
      assert.equal(extension.isActive, true);
      assert.equal(existsSync(path.join(extension.extensionPath, 'dist/host.mjs')), true);
      assert.equal(existsSync(path.join(extension.extensionPath, 'extension/src')), false);
      assert.equal(existsSync(path.join(extension.extensionPath, 'node_modules')), false);
    });

    it('has every command that it declares, and declares every one of the palette', async () => {
      const known = await vscode.commands.getCommands(true);
      const declared = manifest.contributes.commands.map(({ command }) => command);
      assert.deepEqual(
        declared.filter((command) => !known.includes(command)),
        [],
      );
      for (const name of [
        'startEngine',
        'restartEngine',
        'showLog',
        'newChat',
        'startIncognitoChat',
        'chooseModel',
        'toggleMemory',
        'sleepNow',
        'wake',
        'pauseLearning',
      ])
        assert.equal(declared.includes(`zell.${name}`), true, name);
    });

    it('has its views', async () => {
      const known = await vscode.commands.getCommands(true);
      for (const { id } of manifest.contributes.views['zell']!) assert.equal(known.includes(`${id}.focus`), true, id);
    });

    it('gives every setting the value that it declares', () => {
      for (const [name, { default: value }] of Object.entries(settings))
        assert.deepEqual(vscode.workspace.getConfiguration().inspect(name)?.defaultValue, value, name);
    });

    it('lets no workspace set a folder or an instruction', async () => {
      for (const name of MACHINE_ONLY) {
        assert.equal(settings[name]?.scope, 'machine', name);
        const update = vscode.workspace.getConfiguration().update(name, 'x', vscode.ConfigurationTarget.Workspace);
        await assert.rejects(Promise.resolve(update), name);
      }
    });

    it('takes a language’s own value for inline completion', async () => {
      const name = 'zell.inlineCompletion.enable';
      const plain = { languageId: 'plaintext' };
      const set = (value: boolean | undefined): Thenable<void> =>
        vscode.workspace.getConfiguration('', plain).update(name, value, vscode.ConfigurationTarget.Global, true);
      await set(false);
      try {
        assert.equal(vscode.workspace.getConfiguration('', plain).get(name), false);
        assert.equal(vscode.workspace.getConfiguration('', { languageId: 'python' }).get(name), true);
      } finally {
        await set(undefined);
      }
    });

    it('declares what it does in untrusted and virtual workspaces', () => {
      const { untrustedWorkspaces } = manifest.capabilities;
      assert.equal(untrustedWorkspaces.supported, 'limited');
      const restricted =
        (untrustedWorkspaces as { restrictedConfigurations?: string[] }).restrictedConfigurations ?? [];
      const ofWorkspace = Object.entries(settings).filter(([, { scope }]) => scope !== 'machine');
      assert.deepEqual([...restricted].sort(), ofWorkspace.map(([name]) => name).sort());
    });
  });
}
