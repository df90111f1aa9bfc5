/** Every command with its arguments and options. What a command does lies in its own file, loaded when it runs. */
import { Command, InvalidArgumentError } from 'commander';
import { VERSION } from '../host/version.ts';
import { collectAdapter, type AdapterFile } from './adapterOption.ts';
import type { JsonOption } from './jsonOption.ts';
import { addMemoryCommands } from './memoryProgram.ts';
import { minutes, number, wholeNumber, wholeNumbers } from './numberArguments.ts';

/** `signal` is aborted by Ctrl-C. */
export function buildProgram(signal: AbortSignal): Command {
  const program = new Command('zell')
    .description('Local language models that learn from your conversations. Nothing leaves this machine.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(zell --help lists the commands)')
    .addHelpText(
      'after',
      `
MODEL is a path, a name of "zell models list" or the beginning of a hash; none means the chosen or default model.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check of the answer failed, 4 no engine runs, 130 interrupted.
Environment: ZELL_HOME (default ~/.zell), ZELL_THREADS, ZELL_KV_TYPE, ZELL_MEMORY_LIMIT (such as 8G),
ZELL_MODEL_FILE (a copy of the default model), NO_COLOR.`,
    );

  program
    .command('run')
    .description('answer one prompt; one argument is the prompt, two are model and prompt')
    .usage('[options] [MODEL] PROMPT')
    .argument('<words...>', 'the prompt, or model and prompt')
    .option('--max-tokens <n>', 'longest answer in tokens', wholeNumber(1), 1024)
    .option('--temperature <t>', '0 always takes the likeliest token', number(0, 2), 0)
    .option('--seed <s>', 'makes sampling repeatable', wholeNumber(0, 0xffff_ffff))
    .option('--system <text>', 'system prompt; "" leaves it to the model')
    .option('--lora <file[:scale]>', 'answer with this LoRA adapter (repeatable)', collectAdapter)
    .option('--no-lora', 'answer without any adapter, also without what Zell has learnt')
    .option('--no-recall', 'without the memories that fit the prompt')
    .option('--json', 'print {model, text, tokens, memories, timings} instead of streaming')
    .action(async (words: string[], options: RunOptions) =>
      (await import('./commands/run.ts')).run(words, options, signal),
    );

  program
    .command('ask')
    .description('ask the running engine, with the model that it has loaded')
    .argument('<prompt>')
    .option('--max-tokens <n>', 'longest answer in tokens', wholeNumber(1), 1024)
    .option('--temperature <t>', '0 always takes the likeliest token', number(0, 2), 0)
    .option('--no-recall', 'without the memories that fit the prompt')
    .option('--json', 'print {model, text, tokens, memories, timings}')
    .action(async (prompt: string, options: RunOptions) =>
      (await import('./commands/run.ts')).run([prompt], options, signal),
    );

  program
    .command('batch')
    .description('answer several prompts at once')
    .usage('[options] MODEL PROMPT...')
    .argument('<model>')
    .argument('<prompts...>')
    .option('--max-tokens <n>', 'longest answer in tokens', wholeNumber(1), 1024)
    .option('--temperature <t>', '0 always takes the likeliest token', number(0, 2), 0)
    .option('--seed <s>', 'makes sampling repeatable', wholeNumber(0, 0xffff_ffff))
    .option('--system <text>', 'system prompt; "" leaves it to the model')
    .option('--json', 'print a list of {prompt, model, text, tokens, timings}')
    .action(async (model: string, prompts: string[], options: RunOptions) =>
      (await import('./commands/batch.ts')).batch(model, prompts, options, signal),
    );

  program
    .command('serve')
    .description('serve the OpenAI, Anthropic, Ollama and llama.cpp interfaces until Ctrl-C')
    .argument('[model]')
    .option('--port <n>', 'port (default 11434, or the next free one)')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--lora <file[:scale]>', 'load this LoRA adapter for all requests (repeatable)', collectAdapter)
    .option(
      '--kv-type <type>',
      'how keys and values are kept: f16, q8_0 (half the memory), q8q4 (keys in 8 bits, values in 4), q4_0 (a quarter) or auto, what has room; or ZELL_KV_TYPE',
    )
    .option('--weights <where>', 'mapped file, resident in memory (faster from there), or auto (or ZELL_WEIGHTS)')
    .option('--draft <when>', 'check drafted tokens together where it is faster: auto or off (or ZELL_DRAFT)')
    .option(
      '--memory-limit <bytes>',
      'what the model may use of the available memory, such as 8G (or ZELL_MEMORY_LIMIT)',
    )
    .option('--api-key <key>', 'needed when the address is not loopback (or ZELL_API_KEY)')
    .action(async (model: string | undefined, options: ServeOptions) =>
      (await import('./commands/serve.ts')).serve(model, options),
    );

  program
    .command('build')
    .description(
      'measure machine and disk for a model, decide how to run it, and predict its speed; prepare a system prompt',
    )
    .argument('[model]')
    .option('--force', 'measure anew, although the profile that there is still holds')
    .option(
      '--system-prompt <file|text>',
      'also compute this prompt (a file, or the text itself): requests that begin with it start at once, also after a restart',
    )
    .option('--seconds <n>', 'time for measuring processor and disk (default 5)', wholeNumber(1, 60))
    .option(
      '--draft-head',
      'also train a draft head on what the model writes: faster answers where its layers come from the disk',
    )
    .option('--budget <time>', 'for the draft head, as in 20m or 1h (default 10m)', minutes)
    .option('--no-profile', 'only the system prompt, or the draft head')
    .option('--json', 'print {built, profile, systemPrompt, draftHead, cleared}; progress goes to stderr')
    .action(async (model: string | undefined, options: BuildOptions) =>
      (await import('./commands/build.ts')).build(model, options, signal),
    );

  program
    .command('profile')
    .description('what "zell build" found out: plan, decisions with their reasons, expected and measured speed')
    .argument('[model]')
    .option('--json', 'print {profile, stale}')
    .action(async (model: string | undefined, options: JsonOption) =>
      (await import('./commands/profile.ts')).profile(model, options, signal),
    );

  program
    .command('info')
    .description('what a model file says about itself, and whether it fits')
    .argument('[model]')
    .option('--json', 'print everything as JSON')
    .action(async (model: string | undefined, options: JsonOption) =>
      (await import('./commands/info.ts')).info(model, options, signal),
    );

  const models = program.command('models').description('models on this disk and in the catalogue');
  models
    .command('list')
    .description('names, sizes, what fits')
    .option('--json', 'print a list')
    .action(async (options: JsonOption) => (await import('./commands/models.ts')).listModels(options));
  models
    .command('fetch')
    .description('download and verify a model of the catalogue')
    .argument('<name>')
    .option('--json', 'print {name, path, fetched}; progress goes to stderr')
    .action(async (name: string, options: JsonOption) =>
      (await import('./commands/models.ts')).fetchByName(name, options, signal),
    );

  const memory = addMemoryCommands(program, signal);

  program
    .command('lora')
    .description('adapters of a model: what it learnt by itself, and those of others')
    .usage('MODEL list | info | load FILE | unload | rollback | import DIR | export --peft DIR')
    .argument('<model>')
    .argument('<action>', LORA_ACTIONS.join(', '))
    .argument('[file]', 'a GGUF adapter for "load", or that or a PEFT folder for "import"')
    .option('--scale <s>', 'how much of it counts', number(-1000, 1000), 1)
    .option('--peft <dir>', 'folder for "export": adapter_config.json and adapter_model.safetensors')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
list      every version that the model learnt, with its verdict, and what the running engine has loaded
info      the version in force: what was measured, what it was made of
load      FILE answers from now on, until the engine ends (for one command: zell run --lora FILE)
unload    what was loaded so answers no more
rollback  the version before the one in force answers again, or none
import    measures an adapter as one of a sleep is measured; it answers only if it passes (else exit code 3)
export    the version in force for PEFT, vLLM and their relatives; it is as personal as your conversations`,
    )
    .action(async (model: string, action: string, file: string | undefined, options: LoraOptions) =>
      (await import('./commands/lora.ts')).lora(model, loraAction(action), file, options, signal),
    );

  program
    .command('test-paris')
    .description('check that a model knows the capital of France (exit code 3 when it does not)')
    .argument('[model]')
    .option('--json', 'print {model, nextTokens, answer, passed}')
    .action(async (model: string | undefined, options: JsonOption) =>
      (await import('./commands/testParis.ts')).testParis(model, options, signal),
    );

  program
    .command('bench')
    .description(
      'measure a model on this machine: prompts, answers, depth, several at once, beside the machine’s limits',
    )
    .argument('[model]')
    .option('--prompt-tokens <n>', 'length of the prompt', wholeNumber(1, 65_536), 512)
    .option('--decode-tokens <n>', 'length of the answer', wholeNumber(1, 65_536), 128)
    .option(
      '--depth <n>',
      'tokens before a late answer, as far as the context holds them',
      wholeNumber(1, 1_048_576),
      4096,
    )
    .option('--sequences <list>', 'how many answers at once, as in 4,8', wholeNumbers(1, 64), [4, 8])
    .option('--quick', 'prompt and answer only')
    .option('--json', 'print {model, isa, threads, tokenWork, prefill, decode, deep, together, limits}')
    .action(async (model: string | undefined, options: BenchOptions) =>
      (await import('./commands/bench.ts')).bench(model, options, signal),
    );

  program
    .command('clear-cache')
    .description('delete what only saves time: never conversations, memories, adapters or models')
    .argument('[model]', 'only what was kept for this model (a name, a path, or the beginning of its hash)')
    .option('--old', 'what nobody used for 30 days (the default)')
    .option('--all', 'everything that can be computed again')
    .option('--json', 'print {cleared: [{kind, files, bytes}], kept}')
    .action(async (model: string | undefined, options: ClearCacheOptions) =>
      (await import('./commands/clearCache.ts')).clearCache(model, options),
    );

  program
    .command('quantize')
    .description('write a model again with smaller weights')
    .argument('<input>', 'a GGUF file, or a name of "zell models list"')
    .argument('<output>', 'the new file')
    .argument('<type>', 'Q4_K_M, IQ4_XS, Q6_K, Q8_0, … (all below)')
    .option('--importance <file>', 'an importance matrix (llama.cpp imatrix): which weights matter most')
    .option('--threads <n>', 'compute threads (default: the physical cores)', wholeNumber(1, 256))
    .option('--force', 'replace the output when it exists')
    .option('--json', 'print the report; progress goes to stderr')
    .addHelpText(
      'after',
      `
Types, from exact to small:
  F32 F16 BF16 Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S Q4_1 IQ4_NL Q4_0 IQ4_XS
  MXFP4_MOE (experts only) MXFP4 Q3_K_L Q3_K_M Q3_K_S Q2_K
  TQ2_0 TQ1_0 (for models trained with weights of -1, 0 and 1)
What a row does not fit gets the nearest type that does.`,
    )
    .action(async (input: string, output: string, type: string, options: QuantizeCommandOptions) =>
      (await import('./commands/quantize.ts')).quantize(input, output, type, options, signal),
    );

  program
    .command('imatrix')
    .description('measure what a model’s weights meet in a text, for "quantize --importance"')
    .argument('<model>', 'a GGUF file, or a name of "zell models list"; the less quantised the better')
    .argument('<text...>', 'files of text like what the model will be used for; some hundred kilobytes')
    .requiredOption('-o, --output <file>', 'the new file (GGUF; llama.cpp reads it as well)')
    .option('--chunk <n>', 'tokens that see each other', wholeNumber(16, 1_048_576), 512)
    .option('--threads <n>', 'compute threads (default: the physical cores)', wholeNumber(1, 256))
    .option('--force', 'replace the output when it exists')
    .option('--json', 'print the report; progress goes to stderr')
    .action(async (model: string, texts: string[], options: ImatrixCommandOptions) =>
      (await import('./commands/imatrix.ts')).imatrix(model, texts, options, signal),
    );

  program
    .command('status')
    .description('whether an engine runs, where, and what it does')
    .option('--json', 'print the status')
    .action(async (options: JsonOption) => (await import('./commands/status.ts')).status(options, signal));

  program
    .command('dashboard')
    .description('the running engine at work: speed, queue, memory, learning; q quits')
    .option('--json', 'print one look as JSON')
    .action(async (options: JsonOption) => (await import('./commands/dashboard.ts')).dashboard(options, signal));

  program
    .command('stop')
    .description('end the running engine')
    .option('--json', 'print {stopped}: whether one ran')
    .action(async (options: JsonOption) => (await import('./commands/stop.ts')).stop(options, signal));

  // Subcommands inherit none of these settings.
  for (const command of [...program.commands, ...models.commands, ...memory.commands])
    command.exitOverride().showHelpAfterError();
  return program;
}

const LORA_ACTIONS = ['list', 'info', 'load', 'unload', 'rollback', 'import', 'export'] as const;
export type LoraAction = (typeof LORA_ACTIONS)[number];

function loraAction(text: string): LoraAction {
  const found = LORA_ACTIONS.find((action) => action === text);
  if (found === undefined) throw new InvalidArgumentError(`What to do is one of ${LORA_ACTIONS.join(', ')}.`);
  return found;
}

export interface RunOptions extends JsonOption {
  readonly recall?: boolean;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed?: number;
  readonly system?: string;
  readonly lora?: readonly AdapterFile[] | false;
}
export interface BuildOptions extends JsonOption {
  readonly systemPrompt?: string;
  readonly force?: boolean;
  readonly seconds?: number;
  readonly draftHead?: boolean;
  /** Minutes for the draft head. */
  readonly budget?: number;
  /** False: the system prompt or the draft head alone. */
  readonly profile?: boolean;
}
export interface ServeOptions {
  readonly port?: string;
  readonly host: string;
  readonly apiKey?: string;
  readonly lora?: readonly AdapterFile[];
  readonly kvType?: string;
  readonly weights?: string;
  readonly draft?: string;
  readonly memoryLimit?: string;
}
export interface LoraOptions extends JsonOption {
  readonly scale: number;
  readonly peft?: string;
}
export interface ClearCacheOptions extends JsonOption {
  readonly old?: boolean;
  readonly all?: boolean;
}
export interface QuantizeCommandOptions extends JsonOption {
  readonly importance?: string;
  readonly threads?: number;
  readonly force?: boolean;
}
export interface ImatrixCommandOptions extends JsonOption {
  readonly output: string;
  readonly chunk: number;
  readonly threads?: number;
  readonly force?: boolean;
}
export interface BenchOptions extends JsonOption {
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly depth: number;
  readonly sequences: readonly number[];
  readonly quick?: boolean;
}
