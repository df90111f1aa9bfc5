// Decoding with an adapter ÷ without on a model of the shape of Qwen 2 with 1.5 billion random weights: speed does not depend on them.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildTool, ModelFiles, MODELS } from '../bench/models.ts';
import { decodeRatio } from './figures.ts';
import { Subject } from './subject.ts';

const NAME = '1.5B-Q4_K_M';
const TOKENS = 32;
const ROUNDS = 7;

/** @throws {Error} saying why there is no such model */
export async function decodeRatioLarge(model: string, folder: string, say: (line: string) => void): Promise<number> {
  const shape = MODELS.find(({ name }) => name === NAME);
  if (shape === undefined) throw new Error(`No model is called ${NAME}.`);
  const made = await new ModelFiles(model, say).get(shape);
  if ('missing' in made) throw new Error(made.missing);
  const adapter = path.join(folder, 'large.lora');
  await promisify(execFile)(await buildTool('zell_adapter'), [made.path, adapter, '--rank', '16', '--alpha', '32']);
  const subject = await Subject.open(made.path, { path: adapter, scale: 1 });
  try {
    await decodeRatio(subject, TOKENS, 1);
    return await decodeRatio(subject, TOKENS, ROUNDS);
  } finally {
    await subject.close();
  }
}
