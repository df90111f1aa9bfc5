/** The settings of Zell, typed. Paths are read from user and machine settings only: no workspace names one. */
import * as vscode from 'vscode';
import type { MultiLine } from '../core/completionPolicy.ts';

const SECTION = 'zell';

export interface CompletionSettings {
  readonly enable: boolean;
  readonly maxTokens: number;
  /** Undefined: learned from the typing rhythm. */
  readonly debounceMs: number | undefined;
  readonly multiLine: MultiLine;
  /** Globs of files that are never sent, besides those that are secret by name. */
  readonly exclude: readonly string[];
}

export function completionSettings(document: vscode.TextDocument): CompletionSettings {
  const config = vscode.workspace.getConfiguration(`${SECTION}.inlineCompletion`, document);
  const debounceMs = config.get<number | null>('debounceMs', null);
  return {
    enable: config.get('enable', true),
    maxTokens: clamp(config.get('maxTokens', 96), 8, 512),
    debounceMs: debounceMs === null ? undefined : clamp(debounceMs, 0, 2000),
    multiLine: config.get<MultiLine>('multiLine', 'auto'),
    exclude: config.get<string[]>('exclude', []),
  };
}

export interface ChatSettings {
  readonly systemPrompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
}

export function chatSettings(): ChatSettings {
  const config = vscode.workspace.getConfiguration(`${SECTION}.chat`);
  return {
    systemPrompt: config.get('systemPrompt', ''),
    maxTokens: clamp(config.get('maxTokens', 1024), 16, 131_072),
    temperature: Math.min(2, Math.max(0, config.get('temperature', 0.3))),
  };
}

/**
 * False when nothing of this workspace, or of this document and its language, may enter the memory: switched off here, excluded by a
 * pattern, or not trusted.
 */
export function memoryAllowed(document?: vscode.TextDocument): boolean {
  const config = vscode.workspace.getConfiguration(`${SECTION}.memory`, document);
  if (!vscode.workspace.isTrusted || !config.get<boolean>('enable', true)) return false;
  if (document === undefined) return true;
  return config.get<string[]>('exclude', []).every((pattern) => vscode.languages.match({ pattern }, document) === 0);
}

/** The user's `zell.home`, empty when not set. The setting has machine scope, so a workspace value is ignored by the editor. */
export function configuredHome(): string {
  return vscode.workspace.getConfiguration(SECTION).get('home', '').trim();
}

/** MiB of the disk that prompts' keys and values may take; undefined when not set. Machine scope, too: no workspace fills the disk. */
export function prefixDiskMegabytes(): number | undefined {
  const set = vscode.workspace.getConfiguration(`${SECTION}.prefixes`).get<number | null>('maxDiskMegabytes', null);
  return set === null ? undefined : clamp(set, 0, 1_048_576);
}

/** When the engine gives way to heat and power; undefined when not set. Machine scope: no workspace may slow it, or heat the machine. */
export function throttleWish(): string | undefined {
  const set = vscode.workspace.getConfiguration(SECTION).get<string>('throttle', '');
  return ['auto', 'battery', 'never'].includes(set) ? set : undefined;
}

/** Turns inline completion on or off for all files; a language's own value goes on winning. Returns the new value. */
export async function toggleInlineCompletion(): Promise<boolean> {
  const config = vscode.workspace.getConfiguration(`${SECTION}.inlineCompletion`);
  const enable = !config.get<boolean>('enable', true);
  await config.update('enable', enable, vscode.ConfigurationTarget.Global);
  return enable;
}

function clamp(value: number, low: number, high: number): number {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, Math.round(value))) : low;
}
