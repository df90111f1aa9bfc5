// Opens the built pages of the webviews in a real browser: the extension's own HTML and policy, with a stand-in for the editor.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import * as esbuild from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import type { WebviewEvent } from '#protocol/webview.ts';
import { webviewPage } from '../../extension/src/platform/webviewPage.ts';
import { ROOT } from '../helpers/cache.ts';

/** What the page sent to the extension. */
export interface Sent {
  readonly id: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface OpenPage {
  readonly page: Page;
  /** Addresses that the page asked for, besides its own three files. */
  readonly foreignRequests: string[];
  sent(method?: string): Promise<Sent[]>;
  /** Answers the newest unanswered request of this method. */
  answer(method: string, result: unknown): Promise<void>;
  refuse(method: string, error: string): Promise<void>;
  emit(event: WebviewEvent): Promise<void>;
  close(): Promise<void>;
}

/** Runs in the page before its script; only the names below are shared with it. */
const EDITOR = `
  window.sentMessages = [];
  window.policyViolations = [];
  let state;
  window.keptState = () => state;
  window.acquireVsCodeApi = () => {
    delete window.acquireVsCodeApi;
    return {
      postMessage: (message) => window.sentMessages.push(structuredClone(message)),
      getState: () => state,
      setState: (next) => { state = structuredClone(next); },
    };
  };
  document.addEventListener('securitypolicyviolation', (event) => window.policyViolations.push(event.violatedDirective));
`;

/** Colours of a dark theme: the page itself has none. */
const THEME = `:root {
  --vscode-font-family: sans-serif; --vscode-font-size: 13px; --vscode-foreground: #cccccc;
  --vscode-sideBar-background: #181818; --vscode-editor-font-family: monospace; --vscode-editor-font-size: 12px;
  --vscode-button-background: #0078d4; --vscode-button-foreground: #ffffff; --vscode-button-hoverBackground: #026ec1;
  --vscode-button-secondaryBackground: #313131; --vscode-button-secondaryForeground: #cccccc;
  --vscode-button-secondaryHoverBackground: #3c3c3c; --vscode-focusBorder: #0078d4; --vscode-input-background: #313131;
  --vscode-input-foreground: #cccccc; --vscode-input-placeholderForeground: #989898; --vscode-input-border: #3c3c3c;
  --vscode-descriptionForeground: #9d9d9d; --vscode-errorForeground: #f85149; --vscode-widget-border: #313131;
  --vscode-panel-border: #2b2b2b; --vscode-textCodeBlock-background: #2b2b2b; --vscode-textLink-foreground: #4daafc;
  --vscode-badge-background: #616161; --vscode-badge-foreground: #f8f8f8; --vscode-editorWidget-background: #202020;
  --vscode-debugTokenExpression-string: #ce9178; --vscode-debugTokenExpression-number: #b5cea8;
  --vscode-debugTokenExpression-boolean: #4e94ce; --vscode-symbolIcon-functionForeground: #b180d7;
  --vscode-symbolIcon-classForeground: #ee9d28; --vscode-symbolIcon-variableForeground: #75beff;
  --vscode-progressBar-background: #0078d4; --vscode-inputValidation-errorBackground: #5a1d1d;
  --vscode-inputValidation-errorBorder: #be1100;
}
`;

export interface WebviewBench {
  open(name: 'chat' | 'memory', size?: { width: number; height: number }): Promise<OpenPage>;
  close(): Promise<void>;
}

/** Bundles the pages and serves them on a loopback port. */
export async function startBench(browser: Browser): Promise<WebviewBench> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'zell-webview-'));
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: { chat: 'webview-ui/src/chat.ts', memory: 'webview-ui/src/memory.ts' },
    outdir: folder,
    bundle: true,
    platform: 'browser',
    format: 'iife',
    logLevel: 'silent',
  });
  const server = http.createServer((request, response) => {
    void respond(request.url ?? '/', origin(), folder).then((answer) => {
      response.writeHead(answer ? 200 : 404, { 'content-type': answer?.type ?? 'text/plain' }).end(answer?.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    open: async (name, size = { width: 420, height: 760 }) => {
      const context = await browser.newContext({ viewport: size });
      const page = await context.newPage();
      const foreignRequests: string[] = [];
      const own = [`/${name}`, `/${name}.js`, `/${name}.css`].map((file) => origin() + file);
      page.on('request', (request) => {
        if (!own.includes(request.url())) foreignRequests.push(request.url());
      });
      await page.addInitScript(EDITOR);
      await page.goto(`${origin()}/${name}`);
      return new BenchPage(page, foreignRequests);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

class BenchPage implements OpenPage {
  readonly page: Page;
  readonly foreignRequests: string[];
  readonly #answered = new Set<number>();

  constructor(page: Page, foreignRequests: string[]) {
    this.page = page;
    this.foreignRequests = foreignRequests;
  }

  async sent(method?: string): Promise<Sent[]> {
    const all = await this.page.evaluate<Sent[]>('window.sentMessages');
    return all.filter((message) => method === undefined || message.method === method);
  }

  async answer(method: string, result: unknown): Promise<void> {
    await this.#post({ v: 1, id: await this.#waiting(method), result });
  }

  async refuse(method: string, error: string): Promise<void> {
    await this.#post({ v: 1, id: await this.#waiting(method), error });
  }

  async emit(event: WebviewEvent): Promise<void> {
    await this.#post({ v: 1, event });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async #waiting(method: string): Promise<number> {
    for (let i = 0; i < 100; i++) {
      const request = (await this.sent(method)).findLast(({ id }) => !this.#answered.has(id));
      if (request) {
        this.#answered.add(request.id);
        return request.id;
      }
      await this.page.waitForTimeout(20);
    }
    throw new Error(`The page did not send ${method}.`);
  }

  async #post(message: unknown): Promise<void> {
    await this.page.evaluate(`window.postMessage(${JSON.stringify(message)}, '*')`);
    // Delivered, and drawn.
    await this.page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  }
}

async function respond(
  url: string,
  origin: string,
  folder: string,
): Promise<{ type: string; body: string } | undefined> {
  const name = /^\/(chat|memory)(\.js|\.css)?$/.exec(url);
  if (!name) return undefined;
  const [, page = '', kind] = name;
  if (kind === undefined) {
    const parts = { title: page, script: `${origin}/${page}.js`, style: `${origin}/${page}.css` };
    return { type: 'text/html', body: webviewPage({ ...parts, cspSource: origin, nonce: 'n0nce' }) };
  }
  const body = await readFile(path.join(folder, page + kind), 'utf8');
  return kind === '.css' ? { type: 'text/css', body: THEME + body } : { type: 'text/javascript', body };
}
