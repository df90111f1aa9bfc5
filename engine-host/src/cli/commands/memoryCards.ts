/** `zell memory cards | show | forget | export | import | recall`. */
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import type { MemoryForget } from '#protocol/memory.ts';
import type { JsonOption } from '../jsonOption.ts';
import type { ForgetOptions, RecallOptions } from '../memoryProgram.ts';
import { withHost } from '../session.ts';
import { note, print, printJson } from '../terminal.ts';
import { oneLine } from './memory.ts';

const MAX_IMPORT_BYTES = 64 * 1024 * 1024;

export async function memoryCards(words: readonly string[], options: JsonOption, signal: AbortSignal): Promise<void> {
  const query = words.join(' ').trim();
  await withHost(async (session) => {
    const { cards } = await session.request('zell/memory/cards', query === '' ? {} : { query }, signal);
    if (options.json === true) {
      printJson({ cards });
      return;
    }
    if (cards.length === 0) print(query === '' ? 'There are no memories yet.' : 'No memory fits.');
    for (const card of cards) print(`${card.id}  ${card.kind.padEnd(10)}  ${oneLine(card.statement)}`);
  }, signal);
}

export async function memoryShow(id: string, options: JsonOption, signal: AbortSignal): Promise<void> {
  await withHost(async (session) => {
    const { card, events } = await session.request('zell/memory/card', { id }, signal);
    if (options.json === true) {
      printJson({ card, events });
      return;
    }
    print(oneLine(card.statement));
    print(`${card.kind}, ${card.scope}, since ${new Date(card.validFrom).toISOString().slice(0, 10)}, by ${card.by}`);
    for (const event of events) print(`${String(event.event_id).padStart(6)}  ${oneLine(event.prompt)}`);
    if (events.length < card.sources.length) print('The texts of other mentions are past their thirty days.');
  }, signal);
}

export async function memoryForget(ids: readonly string[], options: ForgetOptions, signal: AbortSignal): Promise<void> {
  const wishes = forgetWishes(ids, options);
  await withHost(async (session) => {
    const gone = { events: 0, cards: 0 };
    for (const wish of wishes) {
      const { events, cards } = await session.request('zell/memory/forget', wish, signal);
      gone.events += events.length;
      gone.cards += cards.length;
    }
    if (options.json === true) printJson(gone);
    else print(`${gone.cards} memories and ${gone.events} events were forgotten.`);
  }, signal);
}

/** @throws {ZellError} invalid_request: nothing was named, or not in a way that is understood */
export function forgetWishes(ids: readonly string[], options: ForgetOptions): MemoryForget[] {
  const wishes: MemoryForget[] = [];
  const cards = ids.filter((id) => /^[0-9a-f]{16}$/.test(id));
  const events = ids.filter((id) => /^\d{1,15}$/.test(id));
  if (cards.length + events.length < ids.length)
    throw new ZellError(
      'invalid_request',
      'A memory has 16 hex digits, an event a number: see "zell memory cards" and "zell memory list".',
    );
  if (cards.length > 0) wishes.push({ cards });
  if (events.length > 0) wishes.push({ ids: events.map(Number) });
  if (options.conversation !== undefined) wishes.push({ conversation: options.conversation });
  if (options.workspace !== undefined) wishes.push({ workspace: options.workspace });
  if (options.from !== undefined || options.to !== undefined)
    wishes.push({ from: dayOf(options.from, 0), to: dayOf(options.to, Number.MAX_SAFE_INTEGER) });
  if (wishes.length === 0)
    throw new ZellError('invalid_request', 'Say what to forget: ids, --conversation, --from, --to or --workspace.');
  return wishes;
}

export async function memoryExport(file: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  if (file === undefined)
    throw new ZellError('invalid_request', 'Where to? Name a file, or a folder with --bundle DIR.');
  await withHost(async (session) => {
    const { cards } = await session.request('zell/memory/cards', {}, signal);
    const target = path.resolve(file);
    // Never over something that is there: an export is personal data, and so may that be.
    const handle = await open(target, 'wx', 0o600).catch((error: unknown) => {
      throw new ZellError('io', `${target} cannot be written; does it exist already?`, { cause: error });
    });
    try {
      await handle.writeFile(`${JSON.stringify({ v: 1, cards }, undefined, 1)}\n`);
    } finally {
      await handle.close();
    }
    if (options.json === true) printJson({ file: target, cards: cards.length });
    else {
      print(`${cards.length} memories were written to ${target}.`);
      note('This file says what you told Zell. Keep it as you keep other personal data.');
    }
  }, signal);
}

export async function memoryImport(file: string, options: JsonOption, signal: AbortSignal): Promise<void> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new ZellError('io', `${file} cannot be read.`, { cause: error });
  });
  const cards = bytes.length > MAX_IMPORT_BYTES ? undefined : cardsIn(bytes.toString('utf8'));
  if (cards === undefined) throw new ZellError('invalid_request', `${file} is no export of memories.`);
  await withHost(async (session) => {
    const { added } = await session.request('zell/memory/import', { cards }, signal);
    if (options.json === true) printJson({ added });
    else print(`${added} memories are new.`);
  }, signal);
}

export async function memoryRecall(word: string, options: RecallOptions, signal: AbortSignal): Promise<void> {
  if (word !== 'on' && word !== 'off') throw new ZellError('invalid_request', 'Say on or off.');
  const enabled = word === 'on';
  await withHost(async (session) => {
    const tokens = options.tokens === undefined ? {} : { tokens: options.tokens };
    await session.request('zell/memory/recall', { enabled, ...tokens }, signal);
    if (options.json === true) printJson({ recall: enabled, ...tokens });
    else print(enabled ? 'Memories are looked up for your chats.' : 'Memories are not looked up any more.');
  }, signal);
}

function cardsIn(text: string): unknown[] | undefined {
  try {
    const value = JSON.parse(text) as { v?: unknown; cards?: unknown } | null;
    return value?.v === 1 && Array.isArray(value.cards) ? value.cards : undefined;
  } catch {
    return undefined;
  }
}

function dayOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new ZellError('invalid_request', `"${text}" is no day; write it like 2026-05-01.`);
  return time;
}
