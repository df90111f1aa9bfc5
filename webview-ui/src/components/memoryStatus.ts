/** The upper half of the memory page: the switch, the counts and how far the next sleep is. */
import type { MemoryStatus } from '#protocol/memory.ts';
import { button, element } from './dom.ts';

const STATES: Readonly<Record<MemoryStatus['state'], string>> = {
  awake: 'Awake',
  drowsy: 'Drowsy: will learn as soon as the machine is idle',
  sleeping: 'Sleeping: learning from conversations',
  evaluating: 'Evaluating what was learned',
};

/** `enable` is called with the wish of the user; the page is drawn again from the answer. */
export function memoryStatusView(status: MemoryStatus, enable: (enabled: boolean) => void): HTMLElement {
  const toggle = button(
    status.enabled ? 'On' : 'Off',
    () => {
      enable(!status.enabled);
    },
    {
      id: 'memory-switch',
      attributes: { role: 'switch', 'aria-checked': String(status.enabled), 'aria-label': 'Memory' },
    },
  );
  const waiting = `${status.closedWaiting} of ${status.sleepAfter} closed conversations wait for the next sleep`;
  return element(
    'section',
    { id: 'memory-status', attributes: { 'aria-label': 'State of the memory' } },
    element('div', { class: 'row' }, element('strong', {}, 'Memory'), toggle),
    element('p', { id: 'memory-state' }, status.enabled ? STATES[status.state] : 'Off: nothing new is remembered'),
    element('progress', {
      id: 'memory-progress',
      attributes: {
        max: String(Math.max(1, status.sleepAfter)),
        value: String(status.closedWaiting),
        'aria-label': waiting,
      },
    }),
    element('p', { id: 'memory-waiting' }, waiting),
    element(
      'dl',
      {},
      ...count('Conversations', 'conversations', status.conversations),
      ...count('Events', 'events', status.events),
      ...count('Not learned yet', 'unconsolidated', status.unconsolidated),
      ...count('Learned', 'consolidated', status.consolidated),
    ),
  );
}

function count(label: string, name: string, value: number): HTMLElement[] {
  return [element('dt', {}, label), element('dd', { attributes: { 'data-count': name } }, value.toLocaleString())];
}
