/** What the window knows about the engine, and how the status bar says it. */
import type { HostStatus } from '#protocol/editor.ts';

export type EngineView =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting'; readonly detail: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'connected'; readonly status: HostStatus };

export interface StatusLine {
  /** With icon syntax of the status bar. */
  readonly text: string;
  readonly tooltip: string;
  /** Without icons, for screen readers. */
  readonly label: string;
  readonly severity: 'normal' | 'error';
  /** What a click does. */
  readonly action: 'start' | 'restart' | 'menu';
}

export function statusLine(view: EngineView): StatusLine {
  switch (view.kind) {
    case 'stopped':
      return line('$(circle-slash) Zell', 'Zell: engine stopped', 'The engine is stopped. Click to start it.', 'start');
    case 'starting':
      return line('$(loading~spin) Zell', `Zell: starting`, view.detail, 'menu');
    case 'failed':
      return line(
        '$(error) Zell',
        'Zell: engine did not start',
        `${view.message} Click to try again.`,
        'start',
        'error',
      );
    case 'connected':
      return hostLine(view.status);
  }
}

function hostLine(status: HostStatus): StatusLine {
  const model = status.model?.name ?? 'no model';
  const percent = status.progress === undefined ? '' : ` ${Math.round(status.progress * 100)} %`;
  switch (status.state) {
    case 'starting':
    case 'loading':
      return line(`$(loading~spin) Zell${percent}`, `Zell: loading${percent}`, status.detail, 'menu');
    case 'crashed': {
      const detail = status.error?.message ?? status.detail;
      return line('$(error) Zell', 'Zell: engine crashed', `${detail} Click to restart it.`, 'restart', 'error');
    }
    case 'learning':
      return learningLine(status, model);
    case 'ready': {
      // It answers as before; the sleep stands aside while it does.
      const asleep = status.memory?.state === 'sleeping' || status.memory?.state === 'evaluating';
      if (asleep && status.queue.running === 0) return learningLine(status, model);
      const speed = speedOf(status);
      if (status.restraint !== undefined) return heldLine(status, model);
      return line(
        `$(sparkle) ${model}${speed === '' ? '' : ` · ${speed}`}`,
        `Zell: ready, ${model}${speed === '' ? '' : `, ${speed.replace('tok/s', 'tokens per second')}`}`,
        tooltip(status, model),
        'menu',
      );
    }
  }
}

function speedOf({ tokensPerSecond: speed }: HostStatus): string {
  return speed <= 0 ? '' : `${speed >= 10 ? Math.round(speed) : speed.toFixed(1)} tok/s`;
}

function tooltip(status: HostStatus, model: string): string {
  const { queue, memory } = status;
  const lines = [status.restraint?.reason ?? '', status.detail, `Model: ${model}`];
  if (status.model) lines.push(`${status.model.quantization}, context ${status.model.contextLength} tokens`);
  if (status.tokensPerSecond > 0) lines.push(`Last answer: ${speedOf(status)}`);
  lines.push(
    `Requests: ${queue.running} running, ${queue.waiting} waiting`,
    `Address: http://127.0.0.1:${status.port}`,
  );
  if (status.shrunk !== undefined) lines.push(`Less of the model is in memory than planned: ${status.shrunk}`);
  if (memory) lines.push(`Memory: ${memoryWords(memory)}`);
  return lines.filter((text) => text !== '').join('\n');
}

/** The machine does not allow full speed; why stands first in the tooltip. */
function heldLine(status: HostStatus, model: string): StatusLine {
  const { duty, memoryShort } = status.restraint ?? { duty: 1, memoryShort: false };
  const [icon, words] =
    duty === 0 ? ['debug-pause', 'paused'] : duty < 1 ? ['dashboard', 'slowed'] : ['warning', 'memory is short'];
  const also = memoryShort && duty < 1 ? ', memory is short' : '';
  return line(
    `$(${icon}) ${model} · ${words}`,
    `Zell: ${words}${also}, ${model}`,
    duty < 1
      ? `${tooltip(status, model)}\nFull speed at all times: the setting zell.throttle.`
      : tooltip(status, model),
    'menu',
  );
}

function learningLine(status: HostStatus, model: string): StatusLine {
  return line(`$(mortar-board) ${model}`, `Zell: learning, ${model}`, tooltip(status, model), 'menu');
}

function memoryWords({ mode, paused, closedWaiting, sleepAfter, state }: NonNullable<HostStatus['memory']>): string {
  if (mode === 'off') return 'off';
  if (mode === 'log') return 'records, does not learn';
  const words = `${closedWaiting} of ${sleepAfter} conversations wait, ${state}`;
  return paused === undefined ? words : `${words}, learning is paused`;
}

function line(
  text: string,
  label: string,
  tip: string,
  action: StatusLine['action'],
  severity: StatusLine['severity'] = 'normal',
): StatusLine {
  return { text, label, tooltip: tip, action, severity };
}
