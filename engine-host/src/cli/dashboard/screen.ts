/** A terminal as a page that is drawn again and again: no flicker, and left as it was found. */

export interface ScreenInput {
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (data: Buffer | string) => void): unknown;
  off(event: 'data', listener: (data: Buffer | string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface ScreenOutput {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** q, Q, Escape, Ctrl-C (a raw terminal sends no signal), Ctrl-D. */
const QUIT = new Set(['q', 'Q', '\u001b', '\u0003', '\u0004']);

export class Screen {
  readonly #input: ScreenInput;
  readonly #output: ScreenOutput;
  readonly #onQuit: () => void;
  readonly #onResize: () => void;
  /** What stands there; only lines that differ are written. */
  #shown: readonly string[] = [];
  #open = false;

  /** `onResize`: draw again. */
  constructor(input: ScreenInput, output: ScreenOutput, onQuit: () => void, onResize: () => void) {
    this.#input = input;
    this.#output = output;
    this.#onQuit = onQuit;
    this.#onResize = onResize;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#output.columns ?? 80, rows: this.#output.rows ?? 24 };
  }

  open(): void {
    this.#open = true;
    this.#output.write(ENTER);
    this.#input.setRawMode?.(true);
    this.#input.on('data', this.#typed);
    this.#output.on('resize', this.#resized);
    this.#input.resume();
  }

  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    let text = '';
    const most = Math.max(lines.length, this.#shown.length);
    for (let i = 0; i < most; i++)
      if (lines[i] !== this.#shown[i]) text += `\u001b[${i + 1};1H${lines[i] ?? ''}\u001b[K`;
    this.#shown = lines;
    if (text !== '') this.#output.write(text);
  }

  /** The terminal as it was before. Any number of times. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#input.off('data', this.#typed);
    this.#output.off('resize', this.#resized);
    this.#input.setRawMode?.(false);
    this.#input.pause();
    this.#output.write(LEAVE);
  }

  readonly #typed = (data: Buffer | string): void => {
    if (QUIT.has(data.toString())) this.#onQuit();
  };

  readonly #resized = (): void => {
    this.#shown = [];
    this.#output.write('\u001b[2J');
    this.#onResize();
  };
}
