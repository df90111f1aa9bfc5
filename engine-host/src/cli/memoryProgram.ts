/** `zell memory …` with its arguments and options; what a command does is loaded when it runs. */
import type { Command } from 'commander';
import type { JsonOption } from './jsonOption.ts';
import { minutes, wholeNumber } from './numberArguments.ts';

/** `signal` is aborted by Ctrl-C. @returns the group of commands */
export function addMemoryCommands(program: Command, signal: AbortSignal): Command {
  const memory = program.command('memory').description('the log of conversations that Zell learns from');
  memory
    .command('status')
    .description('how much it holds')
    .argument('[model]')
    .option('--json', 'print {model, events, unconsolidated, consolidated, expiring, state, mode, paused, sleep …}')
    .action(async (model: string | undefined, options: JsonOption) =>
      (await import('./commands/memory.ts')).memoryStatus(model, options, signal),
    );
  memory
    .command('list')
    .description('the newest conversations and events')
    .argument('[model]')
    .option('--limit <n>', 'how many events', wholeNumber(1, 1000), 20)
    .option('--json', 'print {conversations, events}')
    .action(async (model: string | undefined, options: ListOptions) =>
      (await import('./commands/memory.ts')).memoryList(model, options, signal),
    );
  memory
    .command('cards')
    .description('what Zell remembers of you; with words: what fits them')
    .argument('[words...]')
    .option('--json', 'print {cards}')
    .action(async (words: string[], options: JsonOption) =>
      (await import('./commands/memoryCards.ts')).memoryCards(words, options, signal),
    );
  memory
    .command('show')
    .description('one memory and the exchanges it comes from')
    .argument('<id>')
    .option('--json', 'print {card, events}')
    .action(async (id: string, options: JsonOption) =>
      (await import('./commands/memoryCards.ts')).memoryShow(id, options, signal),
    );
  memory
    .command('forget')
    .description('forget memories (16 hex digits) or events (numbers) for good, or all of a time or a workspace')
    .argument('[ids...]')
    .option('--conversation <id>', 'everything said in it')
    .option('--from <date>', 'from this day on (2026-05-01)')
    .option('--to <date>', 'up to this day, not included')
    .option('--workspace <hash>', 'everything said there')
    .option('--json', 'print {events, cards}')
    .action(async (ids: string[], options: ForgetOptions) =>
      (await import('./commands/memoryCards.ts')).memoryForget(ids, options, signal),
    );
  memory
    .command('export')
    .description('write all memories to a file, or with --bundle all that another machine trains an adapter with')
    .argument('[file]')
    .option('--bundle <dir>', 'an empty folder: training sets, axolotl and SkyPilot files, recipe')
    .option('--model <model>', 'the model that the bundle is for')
    .option('--base <owner/name>', 'that model on Hugging Face, where the catalogue does not know it')
    .option('--yes', 'do not ask whether this may leave the machine')
    .option('--json', 'print {file, cards}, of a bundle {folder, cards, train, valid, leftOut}')
    .action(async (file: string | undefined, options: ExportOptions) =>
      options.bundle === undefined
        ? (await import('./commands/memoryCards.ts')).memoryExport(file, options, signal)
        : (await import('./commands/bundle.ts')).memoryBundle(options.bundle, options, signal),
    );
  memory
    .command('import')
    .description('add the memories of an export')
    .argument('<file>')
    .option('--json', 'print {added}')
    .action(async (file: string, options: JsonOption) =>
      (await import('./commands/memoryCards.ts')).memoryImport(file, options, signal),
    );
  memory
    .command('recall')
    .description('look memories up for the editor chat, zell run and zell ask, or do not')
    .argument('<on|off>')
    .option('--tokens <n>', 'most of a prompt that they may take (first 256)', wholeNumber(32, 4096))
    .option('--json', 'print {recall, tokens}')
    .action(async (word: string, options: RecallOptions) =>
      (await import('./commands/memoryCards.ts')).memoryRecall(word, options, signal),
    );
  memory
    .command('clear')
    .description('erase everything that it holds')
    .option('--yes', 'do not ask')
    .option('--json', 'print {erased}')
    .action(async (options: ClearOptions) => (await import('./commands/memory.ts')).memoryClear(options, signal));
  memory
    .command('sleep')
    .description('learn from the conversations so far, as soon as the machine allows it')
    .argument('[model]')
    .option('--now', 'do not wait for enough conversations (this is the only way from here, and the default)')
    .option('--budget <time>', 'longest training, as in 20m or 1h', minutes)
    .option('--detach', 'do not wait for the end')
    .option('--json', 'print the status at the end')
    .action(async (model: string | undefined, options: SleepOptions) =>
      (await import('./commands/sleep.ts')).memorySleep(model, options, signal),
    );
  memory
    .command('wake')
    .description('end a sleep; what was done is kept')
    .option('--json', 'print the status')
    .action(async (options: JsonOption) => (await import('./commands/sleep.ts')).memoryWake(options, signal));
  memory
    .command('mode')
    .description(
      'learn: record and learn; log: record only, never to be learnt; off: neither. Without a word: which one holds',
    )
    .argument('[learn|log|off]')
    .option('--json', 'print {mode, paused}')
    .action(async (mode: string | undefined, options: JsonOption) =>
      (await import('./commands/memoryMode.ts')).memoryMode(mode, options, signal),
    );
  memory
    .command('pause')
    .description('no learning by itself for a time (15m, 1h, tomorrow), or until "zell memory resume"')
    .argument('[time]')
    .option('--json', 'print {mode, paused}')
    .action(async (time: string | undefined, options: JsonOption) =>
      (await import('./commands/memoryMode.ts')).memoryPause(time, options, signal),
    );
  memory
    .command('resume')
    .description('end a pause')
    .option('--json', 'print {mode, paused}')
    .action(async (options: JsonOption) => (await import('./commands/memoryMode.ts')).memoryResume(options, signal));
  for (const [name, enabled] of [
    ['on', true],
    ['off', false],
  ] as const)
    memory
      .command(name)
      .description(enabled ? 'record conversations again' : 'record nothing any more')
      .option('--json', 'print {enabled}')
      .action(async (options: JsonOption) =>
        (await import('./commands/memory.ts')).memoryEnable(enabled, options, signal),
      );
  return memory;
}

export interface RecallOptions extends JsonOption {
  readonly tokens?: number;
}
export interface ForgetOptions extends JsonOption {
  readonly conversation?: string;
  readonly from?: string;
  readonly to?: string;
  readonly workspace?: string;
}
export interface ExportOptions extends JsonOption {
  readonly bundle?: string;
  readonly model?: string;
  readonly base?: string;
  readonly yes?: boolean;
}
export interface ClearOptions extends JsonOption {
  readonly yes?: boolean;
}
export interface SleepOptions extends JsonOption {
  readonly now?: boolean;
  readonly budget?: number;
  readonly detach?: boolean;
}
export interface ListOptions extends JsonOption {
  readonly limit: number;
}
