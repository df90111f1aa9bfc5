/** `memory/anchors/{model hash}.json`: what the bare model wrote by itself, once. Documented in docs/formats/sleep.md. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { AnchorText } from '../../memory/dreaming/anchors.ts';
import { writeDurably } from '../../store/durable.ts';
import { readJson } from './lesson.ts';

/** `count`: how many were asked for. */
interface KeptAnchors {
  readonly v: 2;
  readonly count: number;
  readonly anchors: readonly AnchorText[];
}

/** Undefined where none are kept, or fewer were asked for than now. */
export async function readAnchors(
  folder: string,
  model: string,
  count: number,
): Promise<readonly AnchorText[] | undefined> {
  const known = await readJson<KeptAnchors>(fileOf(folder, model));
  return known?.v === 2 && known.count >= count ? known.anchors : undefined;
}

export async function keepAnchors(
  folder: string,
  model: string,
  count: number,
  anchors: readonly AnchorText[],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(fileOf(folder, model), JSON.stringify({ v: 2, count, anchors } satisfies KeptAnchors));
}

function fileOf(folder: string, model: string): string {
  return path.join(folder, `${model}.json`);
}
