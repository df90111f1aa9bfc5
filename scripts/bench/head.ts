// Suite `head`: builds a draft head by the product's own command, then answers chat prompts with and without it while the
// model's layers come from the disk.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DraftHeadReport } from '#protocol/engine.ts';
import type { GenerateRequest } from '#protocol/generation.ts';
import { GREEDY } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import { EngineClient } from '../../engine-host/src/engineClient/engineClient.ts';
import { ROOT } from '../lib/setup.mjs';
import { median } from './report.ts';

const NEVER = new AbortController().signal;
const THREADS = 2;
const TOKENS = 128;
/** Of the head; the default is the product's. */
const DEFAULT_MINUTES = 10;

export interface HeadRow {
  readonly id: string;
  readonly reached: number;
  readonly unit: string;
  readonly must: number | null;
  readonly aim: number | null;
  readonly met: boolean | null;
  readonly note: string;
}

export interface HeadSuiteOptions {
  readonly rounds: number;
  readonly model: string;
  /** Minutes for the head. */
  readonly budget?: number;
  readonly say: (line: string) => void;
}

export async function headSuite({
  rounds,
  model,
  budget = DEFAULT_MINUTES,
  say,
}: HeadSuiteOptions): Promise<HeadRow[]> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-head-'));
  try {
    say(`Training a draft head for ${String(budget)} minutes …`);
    const head = build(model, home, budget);
    const rows = [
      row('tokens for each pass', head.tokensPerCheck, 'tokens', 1.8, 3, trainingNote(head)),
      row('agreement on chat', head.agreement, 'share', null, 0.5, `${String(head.steps)} steps`),
      row('training', head.trainingSeconds, 's', null, null, `texts ${head.textSeconds.toFixed(0)} s`),
    ];
    if (head.kept) rows.push(await speed(model, head.file, rounds));
    for (const { id, reached, unit, must, aim, note } of rows)
      say(`${id}: ${reached.toFixed(2)} ${unit} (must ${String(must)}, aim ${String(aim)}); ${note}`);
    return rows;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

type Built = DraftHeadReport & { readonly file: string };

function build(model: string, home: string, budget: number): Built {
  const cli = path.join(ROOT, 'dist/cli.mjs');
  const args = [cli, 'build', model, '--draft-head', '--no-profile', '--budget', `${String(budget)}m`, '--json'];
  const output = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, ZELL_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (JSON.parse(output) as { draftHead: Built }).draftHead;
}

function trainingNote({ tokens, blocks, exitLayer, parameters }: Built): string {
  return `${String(blocks)} blocks after layer ${String(exitLayer)}, ${(parameters / 1e6).toFixed(1)} M weights, ${String(tokens)} tokens`;
}

function row(
  id: string,
  reached: number,
  unit: string,
  must: number | null,
  aim: number | null,
  note: string,
): HeadRow {
  return { id, reached, unit, must, aim, met: must === null ? null : reached >= must, note };
}

/** With ÷ without the head, in turn. @throws {ZellError} internal when the head changed a text, or is not in use */
async function speed(model: string, head: string, rounds: number): Promise<HeadRow> {
  const engine = new EngineClient({ script: path.join(ROOT, 'dist/engine.mjs') });
  await engine.start();
  try {
    const memoryLimit = await streamingLimit(engine, model);
    const options = { threads: THREADS, maxSequences: 1, contextLength: 1024, memoryLimit };
    const ratios: number[] = [];
    let note = '';
    for (let round = 0; round < rounds; round++) {
      await engine.load(model, options, () => undefined, NEVER);
      const plain = await answers(engine);
      const info = await engine.load(model, { ...options, draftHead: head }, () => undefined, NEVER);
      if (info.draftHead?.exitLayer === undefined)
        throw new ZellError('internal', info.draftHead?.refused ?? 'The draft head is not in use.');
      const guessed = await answers(engine);
      if (guessed.text !== plain.text) throw new ZellError('internal', 'The draft head changed a text.');
      ratios.push(plain.ms / guessed.ms);
      note = `${guessed.accepted} of ${guessed.drafted} guesses right, ${guessed.tokens} tokens, limit ${(memoryLimit / 2 ** 20).toFixed(0)} MiB`;
    }
    return row('speed from the disk, with ÷ without', median(ratios), '×', null, null, note);
  } finally {
    await engine.stop();
  }
}

/** The highest of some limits at which layers come from the disk. */
async function streamingLimit(engine: EngineClient, path: string): Promise<number> {
  const { bytes } = await engine.call('inspect', { path, options: {} }, NEVER);
  for (let share = 1.3; share > 0.3; share -= 0.1) {
    const memoryLimit = Math.round(bytes * share);
    const { fit } = await engine.call('inspect', { path, options: { contextLength: 1024, memoryLimit } }, NEVER);
    if (fit.streaming !== undefined) return memoryLimit;
  }
  throw new ZellError('internal', 'This model streams at no limit.');
}

const QUESTIONS = [
  'What makes a good teacher? Name five things and explain each.',
  'Write a story about a lighthouse keeper and a storm.',
  'How do I keep bread fresh?',
  'Why do leaves fall in autumn?',
];

interface Answers {
  readonly text: string;
  readonly tokens: number;
  readonly ms: number;
  readonly drafted: number;
  readonly accepted: number;
}

async function answers(engine: EngineClient): Promise<Answers> {
  const sum = { text: '', tokens: 0, ms: 0, drafted: 0, accepted: 0 };
  for (const question of QUESTIONS) {
    const request: GenerateRequest = {
      prompt: [{ text: `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`, special: true }],
      addBos: true,
      maxTokens: TOKENS,
      stop: [],
      sampling: GREEDY,
      priority: 'chat',
    };
    for await (const event of engine.generate(request, NEVER)) {
      if (event.type === 'failed') throw ZellError.fromWire(event.error);
      if (event.type === 'delta') sum.text += event.text;
      if (event.type !== 'done') continue;
      sum.tokens += event.completionTokens;
      sum.ms += event.timings.decodeMs;
      sum.drafted += event.draftTokens ?? 0;
      sum.accepted += event.draftAccepted ?? 0;
    }
  }
  return sum;
}
