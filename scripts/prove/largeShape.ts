// Decoding with an adapter ÷ without, adapters and weights of a larger shape being random: speed does not depend on them.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildTool, ModelFiles, MODELS } from '../bench/models.ts';
import { decodeRatio } from './figures.ts';
import { Subject } from './subject.ts';

const NAME = '1.5B-Q4_K_M';
const TOKENS = 32;
const ROUNDS = 7;

/** On a model of the shape of Qwen 2 with 1.5 billion weights. @throws {Error} saying why there is no such model */
export async function decodeRatioLarge(model: string, folder: string, say: (line: string) => void): Promise<number> {
  const shape = MODELS.find(({ name }) => name === NAME);
  if (shape === undefined) throw new Error(`No model is called ${NAME}.`);
  const made = await new ModelFiles(model, say).get(shape);
  if ('missing' in made) throw new Error(made.missing);
  return (await randomAdapterRatio(made.path, folder, TOKENS)).ratio;
}

/** With an adapter for every matrix, of the rank that sleep trains. */
export async function randomAdapterRatio(
  model: string,
  folder: string,
  tokens?: number,
): Promise<{ readonly ratio: number; readonly isa: string }> {
  const adapter = path.join(folder, 'random.lora');
  await promisify(execFile)(await buildTool('zell_adapter'), [model, adapter, '--rank', '16', '--alpha', '32']);
  const subject = await Subject.open(model, { path: adapter, scale: 1 });
  try {
    await decodeRatio(subject, tokens, 1);
    return { ratio: await decodeRatio(subject, tokens, ROUNDS), isa: subject.info.isa };
  } finally {
    await subject.close();
  }
}
