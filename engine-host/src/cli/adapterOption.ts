/** `--lora FILE[:SCALE]`, which may be given several times. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';

export interface AdapterFile {
  /** Absolute. */
  readonly path: string;
  readonly scale: number;
}

/** A file may have colons in its name: only a number after the last one is a scale. */
export function parseAdapter(text: string): AdapterFile {
  const match = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text);
  const [file, scale] = match?.[1] === undefined ? [text, 1] : [match[1], Number(match[2])];
  return { path: path.resolve(file), scale };
}

/** For commander: collects the option's values. */
export function collectAdapter(text: string, before: readonly AdapterFile[] | undefined): readonly AdapterFile[] {
  return [...(before ?? []), parseAdapter(text)];
}

/** @throws {ZellError} not_found, before a host is started or a model loaded for nothing */
export async function checkAdapters(adapters: readonly AdapterFile[] | undefined): Promise<readonly AdapterFile[]> {
  for (const { path: file } of adapters ?? [])
    await access(file).catch(() => {
      throw new ZellError('not_found', `There is no adapter ${file}.`);
    });
  return adapters ?? [];
}
