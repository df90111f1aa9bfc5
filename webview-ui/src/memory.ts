/** The memory page: what Zell remembers and learns, and the means to steer, correct and forget it. */
import type { ConversationSummary, MemoryEvent } from '#protocol/memory.ts';
import type { WebviewEvent, WebviewMethod, WebviewRequests } from '#protocol/webview.ts';
import { AdapterPanel } from './components/adapterList.ts';
import { CardList } from './components/cardList.ts';
import { button, element } from './components/dom.ts';
import { memoryListView } from './components/memoryList.ts';
import { SleepPanel } from './components/sleepPanel.ts';
import { Tabs } from './components/tabs.ts';
import { connect } from './host/host.ts';
import './styles/base.css';
import './styles/memory.css';

/** Changes come in bursts while a chat is written down. */
const RELOAD_AFTER_MS = 250;

const host = connect(receive);
const problem = element('div', { id: 'problem', attributes: { role: 'alert' } });
const waiting = element('p', { class: 'empty' }, 'Waiting for the engine…');
const panel = new SleepPanel({
  setMode: (mode) => void change('memory/mode', { mode }),
  sleep: () => void change('memory/sleep', {}),
  wake: () => void change('memory/wake', {}),
  pause: () => void change('memory/pause', {}),
  resume: () => void change('memory/resume', {}),
});
const cards = new CardList({
  sources: async (id) => (await ask('memory/sources', { id }))?.events,
  edit: (id, statement, value) => change('memory/editCard', { id, statement, value }),
  forget: (id) => void change('memory/forgetCard', { id }),
  openConversation: (conversation) => void ask('memory/openConversation', { conversation }),
});
const adapters = new AdapterPanel({
  rollback: () => void change('adapters/rollback', {}),
  answer: async (prompt, adapter) => (await ask('adapters/answer', { prompt, adapter }))?.text,
});
const recorded = element('div', {});
const clear = button('Clear Memory…', () => void change('memory/clear', {}), { id: 'memory-clear' });
const records = element('div', {}, recorded, clear);
const tabs = new Tabs(
  'What is remembered',
  [
    { id: 'cards', label: 'Memories', panel: cards.root },
    { id: 'adapters', label: 'Learning', panel: adapters.root },
    { id: 'records', label: 'Recorded', panel: records },
  ],
  (tab) => {
    host.remember({ tab });
  },
);
const content = element('div', { id: 'memory' }, waiting, panel.root, tabs.root);
let reloading: ReturnType<typeof setTimeout> | undefined;
let loaded = false;

problem.hidden = true;
panel.root.hidden = true;
tabs.root.hidden = true;
const { tab } = (host.remembered() ?? {}) as { tab?: unknown };
tabs.choose(tab === 'adapters' || tab === 'records' ? tab : 'cards');
document.getElementById('app')?.append(problem, content);
void load();

function receive(event: WebviewEvent): void {
  if (event.type === 'engine/status' && event.status?.memory && loaded) panel.show(event.status.memory);
  if (event.type !== 'memory/changed') return;
  reloading ??= setTimeout(() => {
    reloading = undefined;
    void load();
  }, RELOAD_AFTER_MS);
}

async function load(): Promise<void> {
  const found = await ask('memory/load', {});
  if (!found) return;
  const { status, curve, conversations, events } = found;
  loaded = true;
  waiting.hidden = true;
  panel.root.hidden = false;
  tabs.root.hidden = false;
  panel.load(status, curve);
  const active = found.adapters?.versions.find(({ version }) => version === found.adapters?.active);
  cards.load(found.cards, new Set(active?.cards));
  adapters.load(found.adapters, found.cards);
  showRecorded(conversations, events);
  clear.hidden = status.events === 0;
  tabs.count('cards', found.cards.length);
  tabs.count('adapters', found.adapters?.versions.length ?? 0);
  tabs.count('records', status.conversations);
}

/** Anew, but what was open stays open. */
function showRecorded(conversations: readonly ConversationSummary[], events: readonly MemoryEvent[]): void {
  const items = (): HTMLElement[] => [...recorded.querySelectorAll<HTMLElement>('li[data-conversation]')];
  const opened = new Set(
    items().flatMap((item) => (item.querySelector('details')?.open === true ? item.dataset['conversation'] : [])),
  );
  recorded.replaceChildren(
    memoryListView(conversations, events, {
      forgetConversation: (conversation) => void change('memory/delete', { conversation }),
      forgetEvent: (id) => void change('memory/delete', { ids: [id] }),
    }),
  );
  for (const item of items())
    if (opened.has(item.dataset['conversation'])) item.querySelector('details')?.setAttribute('open', '');
}

/** @returns false when it was refused; the reason is shown */
async function change<M extends WebviewMethod>(method: M, params: WebviewRequests[M]['params']): Promise<boolean> {
  const focused = document.activeElement?.id ?? '';
  const answer = await ask(method, params);
  // What was refused left everything as it was, and its reason has to stay.
  if (answer === undefined) panel.again();
  else await load();
  if (focused !== '') document.getElementById(focused)?.focus();
  return answer !== undefined;
}

async function ask<M extends WebviewMethod>(
  method: M,
  params: WebviewRequests[M]['params'],
): Promise<WebviewRequests[M]['result'] | undefined> {
  try {
    const answer = await host.request(method, params);
    problem.hidden = true;
    return answer;
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
    return undefined;
  }
}
