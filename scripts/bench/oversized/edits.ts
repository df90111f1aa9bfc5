// Prompts that ask for a piece of code with a change: most of a right answer stands in the prompt.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../lib/setup.mjs';
import { tokenize } from '../ours.ts';
import type { EditPrompt } from './runs.ts';

const CHARACTERS = 900;

/** This project's own code, and what is to be changed of it. */
const TASKS: readonly { readonly file: string; readonly change: string }[] = [
  { file: 'engine-host/src/engineClient/backoff.ts', change: 'Add a comment above every method.' },
  { file: 'scripts/bench/text.ts', change: 'Rename BYTES to LIMIT.' },
];

/** In the chat format of the default model, whose vocabulary `model` has. */
export async function editPrompts(model: string): Promise<EditPrompt[]> {
  const texts = TASKS.map(({ file, change }) => {
    const code = whole(readFileSync(path.join(ROOT, file), 'utf8').slice(0, CHARACTERS));
    const ask = `${change} Answer with the whole code and nothing else.`;
    return `<|im_start|>user\n${ask}\n\n\`\`\`\n${code}\n\`\`\`<|im_end|>\n<|im_start|>assistant\n\`\`\`\n`;
  });
  return (await tokenize(model, texts)).map((ids) => ({ ids }));
}

/** Without the line that was cut. */
function whole(text: string): string {
  return text.slice(0, text.lastIndexOf('\n'));
}
