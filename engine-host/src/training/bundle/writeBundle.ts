/** Writes a bundle: everything that another machine needs to train an adapter from the memories. The one place where they leave this one. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import type { Card } from '#protocol/memory.ts';
import type { AnchorText } from '../../memory/dreaming/anchors.ts';
import { ioError, writeDurably } from '../../store/durable.ts';
import { axolotlYaml, BUNDLE_RECIPE, recipeJson, skyYaml, type BundleBase } from './bundleRecipe.ts';
import { bundleSets, jsonLines, type BundleLine } from './bundleSets.ts';

export interface BundleParts {
  readonly base: BundleBase;
  readonly cards: readonly Card[];
  /** What cards have replaced, by the id of the newer. */
  readonly replaced: ReadonlyMap<string, Card>;
  readonly anchors: readonly AnchorText[];
  /** Of each text, whether no secret is found in it. @throws {ZellError} the search failed: then nothing is written */
  readonly clean: (texts: readonly string[]) => Promise<readonly boolean[]>;
  readonly now: number;
}

export interface BundleReport {
  readonly folder: string;
  readonly cards: number;
  readonly train: number;
  readonly valid: number;
  /** Lines with something that looks like a secret, which are left out. */
  readonly leftOut: number;
}

/** @throws {ZellError} invalid_request: no memories, or the folder is not empty; io, disk_full */
export async function writeBundle(folder: string, parts: BundleParts): Promise<BundleReport> {
  const { base, cards, clean } = parts;
  if (cards.length === 0) throw new ZellError('invalid_request', 'There are no memories to train on yet.');
  const sets = bundleSets(cards, parts.replaced, parts.anchors, BUNDLE_RECIPE.seed);
  const [train, valid] = [await sifted(sets.train, clean), await sifted(sets.valid, clean)];
  await emptyFolder(folder);
  const content = { cards: cards.map(({ id }) => id), train: train.length, valid: valid.length, createdAt: parts.now };
  const files: readonly (readonly [string, string])[] = [
    ['train.jsonl', jsonLines(train)],
    ['valid.jsonl', jsonLines(valid)],
    ['axolotl.yml', axolotlYaml(base, BUNDLE_RECIPE)],
    ['task.sky.yaml', skyYaml()],
    // Last: whoever finds it finds the others whole.
    ['recipe.json', recipeJson(base, BUNDLE_RECIPE, content)],
  ];
  for (const [name, text] of files) await writeDurably(path.join(folder, name), text);
  const leftOut = sets.train.length + sets.valid.length - train.length - valid.length;
  return { folder, cards: cards.length, train: train.length, valid: valid.length, leftOut };
}

/** Secrets were cut out before anything was recorded; what leaves the machine is searched once more. */
async function sifted(lines: readonly BundleLine[], clean: BundleParts['clean']): Promise<BundleLine[]> {
  const texts = lines.map(({ messages }) => messages.map(({ content }) => content).join('\n'));
  const sound = await clean(texts);
  return lines.filter((_line, i) => sound[i] === true && texts[i]?.includes('⟨secret:') === false);
}

async function emptyFolder(folder: string): Promise<void> {
  const names = await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => readdir(folder))
    .catch((error: unknown) => {
      throw ioError(error, folder);
    });
  if (names.length > 0) throw new ZellError('invalid_request', `${folder} is not empty.`);
}
