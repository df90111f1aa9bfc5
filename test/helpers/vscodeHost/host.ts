// Starts the offline VS Code host on a loopback port with throw-away folders, and a browser to look at it.
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { findChromium, installHost } from './install.ts';

export interface HostOptions {
  /** VSIX files to install first. */
  readonly vsix?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Files of the workspace; ignored when `folder` is given. */
  readonly files?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface VscodeHost {
  readonly port: number;
  readonly workspace: string;
  /** Throw-away folder of this host: `home` inside is its HOME. */
  readonly folder: string;
  /** Everything that the server printed so far. */
  log(): string;
  /** Address of the workbench on the workspace; `openFile` opens one of its files. */
  url(options?: { readonly openFile?: string; readonly payload?: readonly (readonly [string, string])[] }): string;
  stop(): Promise<void>;
}

const QUIET_SETTINGS = {
  'telemetry.telemetryLevel': 'off',
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'security.workspace.trust.enabled': false,
  'git.enabled': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'editor.accessibilitySupport': 'off',
};

/** One server for a whole suite: it takes about 10 s until an extension is active. */
export async function startHost(options: HostOptions = {}): Promise<VscodeHost> {
  const { node, entry } = await installHost();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'zvsc-'));
  const workspace = options.folder ?? path.join(folder, 'ws');
  for (const inner of ['ud/User', 'ud/Machine', 'home', 'ws'])
    await mkdir(path.join(folder, inner), { recursive: true });
  await mkdir(path.join(folder, 't'), { mode: 0o700 });
  if (options.folder === undefined) {
    for (const [name, text] of Object.entries(options.files ?? {})) {
      await mkdir(path.dirname(path.join(workspace, name)), { recursive: true });
      await writeFile(path.join(workspace, name), text);
    }
  }
  await writeFile(path.join(folder, 'config.yaml'), 'auth: none\ncert: false\n');
  // Settings of machine scope are read from the second file: to the workbench, its server is a remote machine.
  for (const [file, settings] of [
    ['User', { ...QUIET_SETTINGS, ...options.settings }],
    ['Machine', options.settings ?? {}],
  ] as const)
    await writeFile(path.join(folder, 'ud', file, 'settings.json'), JSON.stringify(settings));

  const env = environment(folder, node, options.env ?? {});
  const common = [
    entry,
    ...['--config', path.join(folder, 'config.yaml')],
    ...['--user-data-dir', path.join(folder, 'ud')],
    ...['--extensions-dir', path.join(folder, 'exts')],
  ];
  for (const file of options.vsix ?? [])
    await promisify(execFile)(node, [...common, '--install-extension', file, '--force'], { env });

  const flags = ['--auth', 'none', '--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'];
  const quiet = ['--disable-getting-started-override', '--disable-proxy', '--idle-timeout-seconds', '180'];
  const server = spawn(node, [...common, '--bind-addr', '127.0.0.1:0', ...flags, ...quiet, ...(options.flags ?? [])], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  const port = await new Promise<number>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      const match = /HTTP server listening on \S*:(\d+)/.exec(log);
      if (match !== null) resolve(Number(match[1]));
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('exit', (code) => reject(new Error(`code-server ended (${String(code)})\n${log}`)));
    setTimeout(() => reject(new Error(`code-server did not start\n${log}`)), 60_000).unref();
  });
  const killGroup = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-server.pid!, signal);
    } catch {
      return false;
    }
  };
  const killAtExit = (): void => void killGroup('SIGKILL');
  process.once('exit', killAtExit);

  return {
    port,
    workspace,
    folder,
    log: () => log,
    url: ({ openFile, payload = [] } = {}) => {
      const opened =
        openFile === undefined ? [] : [['openFile', `vscode-remote://127.0.0.1:${port}${workspace}/${openFile}`]];
      const all = [...opened, ...payload];
      const query = new URLSearchParams({
        folder: workspace,
        ...(all.length > 0 ? { payload: JSON.stringify(all) } : {}),
      });
      return `http://127.0.0.1:${port}/?${query.toString()}`;
    },
    stop: async () => {
      process.removeListener('exit', killAtExit);
      killGroup('SIGTERM');
      // A hung extension host ignores SIGTERM and outlives its parent: wait until the whole group is gone.
      for (let i = 0; i < 100 && killGroup(i < 30 ? 0 : 'SIGKILL'); i++) await new Promise((r) => setTimeout(r, 100));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export async function launchBrowser(extra: readonly string[] = []): Promise<Browser> {
  const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  const more = ['--disable-sync', '--no-first-run', '--disable-dev-shm-usage', '--disable-quic'];
  return chromium.launch({ executablePath: findChromium() ?? '', headless: true, args: [...flags, ...more, ...extra] });
}

/** The process environment with HOME and temporary folders inside `folder`, and without what would leak in. */
function environment(folder: string, node: string, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const home = path.join(folder, 'home');
  const temporary = path.join(folder, 't');
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_OPTIONS$|NODE_V8_COVERAGE$|VSCODE_(?!TEST)|ELECTRON_)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_DATA_HOME: path.join(home, '.local/share'),
    XDG_RUNTIME_DIR: temporary,
    TMPDIR: temporary,
    PATH: `${path.dirname(node)}:${process.env['PATH'] ?? ''}`,
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    ...extra,
  };
}
