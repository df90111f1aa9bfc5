/** Which memories an answer used: one quiet line, which opens to what they say and how to be rid of them. */
import type { UsedMemory } from '#protocol/webview.ts';
import { button, element } from './dom.ts';

export interface MemoryActions {
  /** Undefined: it failed, and that is shown already. */
  memories(ids: readonly string[]): Promise<readonly UsedMemory[] | undefined>;
  /** @returns whether it is forgotten */
  forget(id: string): Promise<boolean>;
}

export function usedMemories(ids: readonly string[], actions: MemoryActions): HTMLElement {
  const list = element('ul', { class: 'used-memories-list' });
  const root = element(
    'details',
    { class: 'used-memories' },
    element('summary', {}, ids.length === 1 ? '1 memory used' : `${ids.length} memories used`),
    list,
  );
  const load = async (): Promise<void> => {
    const memories = await actions.memories(ids);
    if (memories === undefined) root.open = false;
    else list.replaceChildren(...memories.map(row), ...gone(ids.length - memories.length));
  };
  const row = ({ id, statement }: UsedMemory): HTMLElement => {
    const label = { 'aria-label': `Forget: ${statement}` };
    const forget = button('Forget', () => void actions.forget(id).then((done) => (done ? load() : undefined)), {
      attributes: label,
    });
    return element('li', {}, element('span', {}, statement), forget);
  };
  // What they say is asked for each time: it may have changed, or be gone.
  root.addEventListener('toggle', () => {
    if (root.open) void load();
  });
  return root;
}

function gone(count: number): HTMLElement[] {
  if (count <= 0) return [];
  return [element('li', { class: 'gone' }, count === 1 ? 'One was forgotten.' : `${count} were forgotten.`)];
}
