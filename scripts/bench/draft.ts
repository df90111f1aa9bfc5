// Suite `draft`: answers with drafted tokens beside the same answers without, in turn, from the product's own child process.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { GenerateRequest, GenerateResult } from '#protocol/generation.ts';
import { GREEDY } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import { EngineClient } from '../../engine-host/src/engineClient/engineClient.ts';
import { ROOT } from '../lib/setup.mjs';
import { median } from './report.ts';

const NEVER = new AbortController().signal;
const THREADS = 2;
const TOKENS = 400;

interface Task {
  readonly id: string;
  readonly prompt: string;
  /** Least speed, as a multiple of that without drafts. */
  readonly must: number;
}

export interface DraftRow {
  readonly id: string;
  readonly tokens: number;
  /** Tokens a second, median. */
  readonly plain: number;
  readonly drafted: number;
  /** Median over the rounds of with ÷ without. */
  readonly ratio: number;
  readonly draftTokens: number;
  readonly draftAccepted: number;
  readonly must: number;
  readonly met: boolean;
}

export interface DraftSuiteOptions {
  readonly rounds: number;
  readonly only: readonly string[];
  readonly model: string;
  readonly say: (line: string) => void;
}

export async function draftSuite({ rounds, only, model, say }: DraftSuiteOptions): Promise<DraftRow[]> {
  const engine = new EngineClient({ script: path.join(ROOT, 'dist/engine.mjs') });
  await engine.start();
  try {
    await engine.load(model, { threads: THREADS, maxSequences: 1 }, () => undefined, NEVER);
    const rows: DraftRow[] = [];
    for (const task of tasks()) {
      if (only.length > 0 && !only.some((start) => task.id.startsWith(start))) continue;
      const row = await measure(engine, task, rounds);
      rows.push(row);
      say(
        `${row.id}: ${row.drafted.toFixed(1)} against ${row.plain.toFixed(1)} tokens/s, ratio ${row.ratio.toFixed(2)} ` +
          `(must ${row.must}), ${row.tokens} tokens, ${row.draftAccepted} of ${row.draftTokens} drafted ones right`,
      );
    }
    return rows;
  } finally {
    await engine.stop();
  }
}

/** @throws {ZellError} internal when a draft changed the text */
async function measure(engine: EngineClient, task: Task, rounds: number): Promise<DraftRow> {
  const plain: number[] = [];
  const drafted: number[] = [];
  let last: Answer | undefined;
  // The first round fills the prefix cache and measures steps for the engine.
  for (let round = 0; round <= rounds; round++) {
    const without = await answer(engine, task, { draftTokens: 0 });
    const withDrafts = await answer(engine, task, {});
    if (without.text !== withDrafts.text) throw new ZellError('internal', `${task.id}: the texts differ.`);
    last = withDrafts;
    if (round === 0) continue;
    plain.push(without.tokensPerSecond);
    drafted.push(withDrafts.tokensPerSecond);
  }
  const ratio = median(drafted.map((speed, i) => speed / (plain[i] ?? Number.NaN)));
  return {
    id: task.id,
    tokens: last?.result.completionTokens ?? 0,
    plain: median(plain),
    drafted: median(drafted),
    ratio,
    draftTokens: last?.result.draftTokens ?? 0,
    draftAccepted: last?.result.draftAccepted ?? 0,
    must: task.must,
    met: ratio >= task.must,
  };
}

interface Answer {
  readonly text: string;
  readonly tokensPerSecond: number;
  readonly result: GenerateResult;
}

async function answer(engine: EngineClient, task: Task, over: Partial<GenerateRequest>): Promise<Answer> {
  const request: GenerateRequest = {
    prompt: [{ text: task.prompt, special: true }],
    addBos: true,
    maxTokens: TOKENS,
    stop: ['```'],
    sampling: GREEDY,
    priority: 'chat',
    ...over,
  };
  let text = '';
  for await (const event of engine.generate(request, NEVER)) {
    if (event.type === 'failed') throw ZellError.fromWire(event.error);
    if (event.type === 'delta') text += event.text;
    if (event.type === 'done')
      return {
        text,
        tokensPerSecond: ((event.completionTokens - 1) * 1000) / event.timings.decodeMs,
        result: event,
      };
  }
  throw new ZellError('internal', `${task.id}: no end.`);
}

/** Lines of the rewritten file that stand in the prompt, so that a small model knows what is asked. */
const BEGUN = 26;

function tasks(): Task[] {
  const file = readFileSync(path.join(ROOT, 'engine-host/src/engine/inference/stopText.ts'), 'utf8').slice(0, 3000);
  const begun = file.split('\n').slice(0, BEGUN).join('\n').replaceAll('#held', '#kept');
  const code = (text: string): string => `\`\`\`ts\n${text}\`\`\`\n`;
  return [
    {
      id: 'rename',
      prompt: `A file:\n${code(file)}\nThe same file, complete, with \`held\` renamed to \`kept\`:\n\`\`\`ts\n${begun}\n`,
      must: 1.2,
    },
    { id: 'copy', prompt: `A file:\n${code(file)}\nThe same file once more:\n\`\`\`ts\n`, must: 1.2 },
    { id: 'chat', prompt: chatMl('What makes a good teacher? Name five things and explain each.'), must: 0.97 },
    { id: 'story', prompt: chatMl('Write a story about a lighthouse keeper and a storm.'), must: 0.97 },
  ];
}

function chatMl(question: string): string {
  return `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
}
