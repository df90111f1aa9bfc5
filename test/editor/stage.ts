/** What the journeys share: one server, one browser, one window on a throw-away workspace, and a Zell home of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { ARTIFACTS } from '../helpers/cache.ts';
import { defaultModel } from '../helpers/defaultModel.ts';
import { launchBrowser, startHost, type VscodeHost } from '../helpers/vscodeHost/host.ts';
import { testVsix } from './testVsix.ts';
import { Workbench } from './workbench.ts';
import { ZellProbe } from './zellProbe.ts';

/** A pattern that even a small model goes on with. */
export const NUMBERS = 'one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\nsix = 6\n';

const FILES = {
  'numbers.py': NUMBERS,
  'diary.py': NUMBERS,
  'temperature.py': [
    'def fahrenheit_to_celsius(f):\n    return (f - 32) * 5 / 9\n',
    'def celsius_to_kelvin(c):\n    return c + 273.15\n',
    'def kelvin_to_celsius(k):\n    return k - 273.15\n\n',
  ].join('\n\n'),
  '.env': 'NAME=zell\n',
};

const SETTINGS = {
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.layoutControl.enabled': false,
  'chat.commandCenter.enabled': false,
  'editor.minimap.enabled': false,
  // Ghost text alone: the suggest widget would take the Tab.
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'zell.inlineCompletion.debounceMs': 50,
  'zell.memory.exclude': ['**/diary*'],
  // The same words each time.
  'zell.chat.temperature': 0,
  'zell.chat.maxTokens': 400,
};

/** `memory/sleep.json`: makes a small night of it. */
const NIGHT = {
  anchors: 2,
  budgetMinutes: 5,
  fullSpeed: true,
  recipe: { rank: 8, alpha: 16, epochs: 1, learningRate: 2e-3, batchItems: 6, targets: 'middle-mlp' },
};

export interface Stage {
  readonly host: VscodeHost;
  readonly browser: Browser;
  readonly window: Workbench;
  readonly zell: ZellProbe;
  /** Addresses outside this machine that any page asked for. */
  readonly foreign: readonly string[];
  /** Opens another window on another folder, which is excluded from the memory. */
  readonly secondWindow: () => Promise<Workbench>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  mkdirSync(ARTIFACTS, { recursive: true });
  const [vsix, model] = [await testVsix(), await defaultModel()];
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-editor-'));
  mkdirSync(path.join(home, 'memory'), { mode: 0o700 });
  writeFileSync(path.join(home, 'memory', 'sleep.json'), JSON.stringify(NIGHT));
  const host = await startHost({
    vsix: [vsix],
    files: FILES,
    settings: SETTINGS,
    env: { ZELL_HOME: home, ZELL_MODEL_FILE: model },
  });
  const zell = new ZellProbe(home);
  const browser = await launchBrowser();
  const foreign: string[] = [];
  const open = (url: string): Promise<Workbench> =>
    Workbench.open(browser, url, (address) => {
      if (!isOwn(address, host.port)) foreign.push(address);
    });
  return {
    host,
    browser,
    window: await open(host.url()),
    zell,
    foreign,
    secondWindow: () => {
      const folder = path.join(host.folder, 'ws2');
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'other.py'), NUMBERS);
      // Its user wants nothing of it in the memory.
      mkdirSync(path.join(folder, '.vscode'), { recursive: true });
      writeFileSync(path.join(folder, '.vscode/settings.json'), JSON.stringify({ 'zell.memory.enable': false }));
      return open(`http://127.0.0.1:${host.port}/?${new URLSearchParams({ folder }).toString()}`);
    },
    close: async () => {
      await browser.close();
      await host.stop();
      await zell.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function isOwn(url: string, port: number): boolean {
  const { protocol, host } = new URL(url);
  // Files of web views have the name of a host that does not exist: the page's own service worker answers for them.
  const ofView = host.endsWith('.vscode-resource.vscode-cdn.net');
  return !/^(?:https?|wss?):$/.test(protocol) || host === `127.0.0.1:${port}` || ofView;
}
