// What a benchmark measures: an engine with a model loaded, ours or another, behind one interface.
import { readFileSync } from 'node:fs';
import type { EngineStats } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';

export interface Contestant {
  /** `ours`, `llama.cpp`, … and what it is forced to, as in `ours avx2`. */
  readonly name: string;
  /** Tokens a second over a prompt on an empty context. */
  prefill(tokens: number): Promise<number>;
  /** Tokens a second of all sequences together, each after `depth` tokens; those are evaluated once and kept. */
  decode(steps: number, depth: number, sequences: number): Promise<number>;
  /** Milliseconds until the first token after a prompt is there. */
  first(tokens: number): Promise<number>;
  /** From now on another file of text is evaluated. */
  read(text: string): Promise<void>;
  /** Tokens a second of greedy decoding after a prompt; only what comes after the first token is timed. */
  greedy(prompt: readonly number[], steps: number): Promise<number>;
  /** Of its process, now; undefined where the system does not say. */
  residentBytes(): number | undefined;
  stop(): Promise<void>;
}

/** How a model is loaded, for every contestant alike. */
export interface Load {
  readonly model: string;
  readonly threads: number;
  /** Tokens of each sequence; 0 is the model's own. */
  readonly context: number;
  readonly sequences: number;
  readonly kv: 'f16' | 'q8_0';
  /** A file of text whose tokens are evaluated. */
  readonly text: string;
  /**
   * For models larger than memory: weights stay as they lie in the file, and decoding follows the text. Called with the process's id
   * before the model is loaded.
   */
  readonly confine?: (pid: number) => void;
}

/** @returns a contestant, and how long its load took; of ours also what was loaded, and its counters */
export type Open = (load: Load) => Promise<{
  readonly contestant: Contestant;
  readonly loadMs: number;
  readonly info?: ModelInfo;
  readonly stats?: () => Promise<EngineStats>;
}>;

export interface Entrant {
  readonly name: string;
  readonly open: Open;
}

export function residentBytesOf(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
