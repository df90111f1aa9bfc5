/** Tells what is marked in the page, so that commands of the editor can work on it. */

const SETTLE_MS = 150;

/** Called with the marked text after it changed; with an empty one when nothing is marked any more. */
export function watchMarked(changed: (text: string) => void): void {
  let last = '';
  let settling: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('selectionchange', () => {
    clearTimeout(settling);
    settling = setTimeout(() => {
      const text = document.getSelection()?.toString() ?? '';
      if (text === last) return;
      last = text;
      changed(text);
    }, SETTLE_MS);
  });
}
