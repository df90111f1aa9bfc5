/** The editor's cancellation tokens as abort signals. */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as vscode from 'vscode';
import { ZellError } from '#protocol/errors.ts';

/** Call `dispose` when the work has ended. */
export function signalOf(token: vscode.CancellationToken): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  const listener = token.onCancellationRequested(() => {
    controller.abort();
  });
  return {
    signal: controller.signal,
    dispose: () => {
      listener.dispose();
    },
  };
}

/** @throws {ZellError} cancelled, when the signal aborts first. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    throw new ZellError('cancelled', 'Cancelled.', { cause });
  }
}
