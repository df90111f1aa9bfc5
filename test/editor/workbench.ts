/** One window of the editor in a browser page: where things are, and how a person reaches them. */
import type { Browser, BrowserContext, Frame, Locator, Page } from 'playwright-core';

/** Publisher, name and id of the item. */
const STATUS_ITEM = '[id="zell.zell.zell.status"]';
/** The first page of a fresh profile on a busy machine. */
const FIRST_PAGE_MS = 90_000;
/** A view of the side bar, from click to page. */
const VIEW_MS = 25_000;

/** Keeps every label that the status item ever had. */
const WATCH_STATUS = `
window.zellStatusLabels = [];
new MutationObserver(() => {
  const label = document.querySelector('${STATUS_ITEM} a, ${STATUS_ITEM} [aria-label]')?.getAttribute('aria-label') ?? '';
  if (label !== '' && label !== window.zellStatusLabels.at(-1)) window.zellStatusLabels.push(label);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-label'] });
`;

export class Workbench {
  readonly page: Page;
  readonly #context: BrowserContext;

  private constructor(page: Page, context: BrowserContext) {
    this.page = page;
    this.#context = context;
  }

  /** Resolves when the window is drawn; extensions start some seconds later. `asked`: every address that its pages ask for. */
  static async open(browser: Browser, url: string, asked: (address: string) => void): Promise<Workbench> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.on('request', (request) => {
      asked(request.url());
    });
    page.on('websocket', (socket) => {
      asked(socket.url());
    });
    await page.addInitScript(WATCH_STATUS);
    const bench = new Workbench(page, context);
    await page.goto(url);
    await bench.drawn();
    return bench;
  }

  async drawn(): Promise<void> {
    await this.page.locator('.monaco-workbench .statusbar').waitFor({ timeout: FIRST_PAGE_MS });
  }

  /** The model is loaded, as the status item says. */
  async ready(): Promise<void> {
    await this.status.filter({ hasText: 'smollm2-135m' }).waitFor({ timeout: FIRST_PAGE_MS });
  }

  /** Text of the active editor, as far as it is on the screen. */
  async lines(): Promise<string> {
    return (await this.editor.locator('.view-lines').innerText()).replaceAll('\u00a0', ' ');
  }

  /** Opens a file of the workspace by its name and puts the cursor at its end. */
  async openFile(name: string): Promise<void> {
    await this.#quickInput('Control+P', name);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().click();
    await this.page.locator('.tab.active', { hasText: name }).waitFor();
    await this.editor.locator('.view-lines').click();
    await this.page.keyboard.press('Control+End');
  }

  get editor(): Locator {
    return this.page.locator('.editor-instance .monaco-editor').first();
  }

  get ghostText(): Locator {
    return this.page.locator('.monaco-editor [class*="ghost-text"]');
  }

  get status(): Locator {
    return this.page.locator(STATUS_ITEM);
  }

  /** Everything the status item said so far, for screen readers. */
  statusHistory(): Promise<string[]> {
    return this.page.evaluate<string[]>('window.zellStatusLabels');
  }

  /** From the command palette, e.g. `Zell: Show Log`. */
  async command(title: string): Promise<void> {
    await this.#quickInput('F1', `>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** A list that is just closing takes the key with it: then the key is pressed again. */
  async #quickInput(key: string, text: string): Promise<void> {
    const widget = this.page.locator('.quick-input-widget');
    for (let attempt = 1; ; attempt++) {
      await widget.waitFor({ state: 'hidden' });
      await this.page.keyboard.press(key);
      try {
        await widget.locator('input').first().fill(text, { timeout: 3000 });
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  async showViews(): Promise<void> {
    const tab = this.page.locator('.activitybar').getByRole('tab', { name: 'Zell' });
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
  }

  /** Makes the side bar wider by the mouse. */
  async widenSideBar(pixels: number): Promise<void> {
    const box = (await this.page.locator('.part.sidebar').boundingBox())!;
    const [x, y] = [box.x + box.width + 2, box.y + 20];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + pixels, y, { steps: 4 });
    await this.page.mouse.up();
    // Away, or the edge stays lit.
    await this.page.mouse.move(x + pixels + 200, y + 300);
  }

  /** Folds or unfolds a view of the side bar by its header. */
  async toggleView(name: string): Promise<void> {
    await this.page.locator('.part.sidebar .pane-header', { hasText: name }).click();
  }

  chat(): Promise<Frame> {
    return this.#view('#composer');
  }

  memory(): Promise<Frame> {
    return this.#view('#memory');
  }

  async close(): Promise<void> {
    await this.#context.close();
  }

  /**
   * The page of a view lies in a frame of a frame that is not inside the side bar; it is known by what it holds. The very first view
   * of a fresh browser stays empty when the editor's service worker comes too late to answer for its files: a reload helps.
   */
  async #view(mark: string): Promise<Frame> {
    const found = await this.#frameWith(mark, VIEW_MS);
    if (found !== undefined) return found;
    console.warn(`no view shows ${mark}: the window is loaded again`);
    await this.page.reload();
    await this.ready();
    await this.showViews();
    const again = await this.#frameWith(mark, VIEW_MS);
    if (again === undefined) throw new Error(`no view shows ${mark}`);
    return again;
  }

  async #frameWith(mark: string, timeoutMs: number): Promise<Frame | undefined> {
    const end = Date.now() + timeoutMs;
    while (Date.now() < end) {
      for (const frame of this.page.frames()) {
        const count = frame.locator(mark).count();
        if ((await count.catch(() => 0)) > 0) return frame;
      }
      await this.page.waitForTimeout(100);
    }
    return undefined;
  }
}
