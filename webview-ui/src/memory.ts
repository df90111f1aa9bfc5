/** The memory page: what is remembered, and the means to forget it. */
import type { WebviewEvent, WebviewMethod, WebviewRequests } from '#protocol/webview.ts';
import { button, element } from './components/dom.ts';
import { memoryListView } from './components/memoryList.ts';
import { memoryStatusView } from './components/memoryStatus.ts';
import { connect } from './host/host.ts';
import './styles/base.css';
import './styles/memory.css';

/** Changes come in bursts while a chat is written down. */
const RELOAD_AFTER_MS = 250;

const host = connect(receive);
const problem = element('div', { id: 'problem', attributes: { role: 'alert' } });
const content = element('div', { id: 'memory' }, element('p', {}, 'Waiting for the engine…'));
const clear = button('Clear Memory…', () => void change('memory/clear', {}), { id: 'memory-clear' });
let reloading: ReturnType<typeof setTimeout> | undefined;

problem.hidden = true;
clear.hidden = true;
document.getElementById('app')?.append(problem, content, clear);
void load();

function receive(event: WebviewEvent): void {
  if (event.type !== 'memory/changed') return;
  reloading ??= setTimeout(() => {
    reloading = undefined;
    void load();
  }, RELOAD_AFTER_MS);
}

async function load(): Promise<void> {
  const loaded = await ask('memory/load', {});
  if (!loaded) return;
  const { status, conversations, events } = loaded;
  const opened = new Set(
    [...content.querySelectorAll<HTMLElement>('li[data-conversation]:has(> details[open])')].map(
      (item) => item.dataset['conversation'],
    ),
  );
  content.replaceChildren(
    memoryStatusView(status, (enabled) => void change('memory/enable', { enabled })),
    memoryListView(conversations, events, {
      forgetConversation: (conversation) => void change('memory/delete', { conversation }),
      forgetEvent: (id) => void change('memory/delete', { ids: [id] }),
    }),
  );
  for (const item of content.querySelectorAll<HTMLElement>('li[data-conversation]'))
    if (opened.has(item.dataset['conversation'])) item.querySelector('details')?.setAttribute('open', '');
  clear.hidden = status.events === 0;
}

async function change<M extends WebviewMethod>(method: M, params: WebviewRequests[M]['params']): Promise<void> {
  const focused = document.activeElement?.id ?? '';
  await ask(method, params);
  await load();
  if (focused !== '') document.getElementById(focused)?.focus();
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
