/** The chat page: wires the parts to the extension. */
import type { ChatHistoryEntry, ChatSession, WebviewEvent, WebviewMethod, WebviewRequests } from '#protocol/webview.ts';
import { Composer } from './components/composer.ts';
import { button, element } from './components/dom.ts';
import { EngineBanner } from './components/engineBanner.ts';
import { HistoryPanel } from './components/historyPanel.ts';
import { IncognitoSwitch } from './components/incognito.ts';
import { Transcript } from './components/transcript.ts';
import { connect } from './host/host.ts';
import { watchMarked } from './host/marked.ts';
import './styles/base.css';
import './styles/chat.css';

const host = connect(receive);
let sessionId = '';

const problem = element('div', { id: 'problem', attributes: { role: 'alert' } });
problem.hidden = true;

const transcript = new Transcript({
  copy: (code) => void ask('code/copy', { code }),
  insert: (code) => void ask('code/insert', { code }),
  open: (href) => void ask('link/open', { href }),
  retry: () => void ask('chat/retry', { sessionId }),
  memories: async (ids) => (await ask('chat/memories', { ids }))?.memories,
  forget: async (id) => (await ask('chat/forget', { id }))?.forgotten === true,
});
const composer = new Composer({
  send: (text, attachSelection) => void send(text, attachSelection),
  stop: () => void ask('chat/stop', { sessionId }),
  draft: keepDraft,
});
const history = new HistoryPanel({
  open: (id) => void ask('chat/open', { sessionId: id }),
  remove: (id) => void ask('chat/remove', { sessionId: id }),
});
const banner = new EngineBanner({
  restart: () => void ask('engine/restart', {}),
  showLog: () => void ask('engine/showLog', {}),
});
const incognito = new IncognitoSwitch((on) => void startNew(on));
const newChat = button('New Chat', () => void startNew(false), { id: 'new-chat' });

document
  .getElementById('app')
  ?.append(
    element('header', { id: 'toolbar' }, newChat, history.toggle, incognito.toggle),
    incognito.note,
    history.root,
    banner.root,
    transcript.root,
    problem,
    composer.root,
  );
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  if (!history.root.hidden) history.setOpen(false);
  else if (transcript.answering) void ask('chat/stop', { sessionId });
});
watchMarked((text) => void ask('selection/marked', { text }));
const { draft } = (host.remembered() ?? {}) as { draft?: unknown };
if (typeof draft === 'string') composer.restore(draft);
// Whoever comes here by the keyboard wants to write; a click goes where it was made.
window.addEventListener('focus', focusComposer);
if (document.hasFocus()) focusComposer();
void load();

function focusComposer(): void {
  if (document.activeElement === document.body) composer.focus();
}

async function load(): Promise<void> {
  const loaded = await ask('chat/load', {});
  if (loaded) show(loaded.session, loaded.history);
}

async function startNew(incognito: boolean): Promise<void> {
  await ask('chat/new', { incognito });
  composer.focus();
}

/** A question that was refused goes back to where it was written. */
async function send(text: string, attachSelection: boolean): Promise<void> {
  // Written faster than the chat was loaded.
  if (sessionId === '') await load();
  const sent = await ask('chat/send', { sessionId, text, attachSelection });
  if (sent) return;
  composer.restore(text);
  keepDraft(text);
}

/** The editor keeps it over reloads, on the disk. */
function keepDraft(draft: string): void {
  host.remember({ draft: incognito.on ? '' : draft });
}

function receive(event: WebviewEvent): void {
  switch (event.type) {
    case 'session/opened':
      show(event.session, event.history);
      break;
    case 'history/changed':
      history.show(event.history);
      break;
    case 'turn/updated':
      if (event.sessionId === sessionId) transcript.put(event.turn);
      composer.setAnswering(transcript.answering);
      break;
    case 'turn/delta':
      if (event.sessionId === sessionId && !transcript.append(event.turnId, event.at, event.text)) void load();
      break;
    case 'engine/status':
      banner.show(event.status);
      break;
    case 'selection/changed':
      composer.select(event.label);
      break;
    case 'memory/changed':
      break;
  }
}

function show(session: ChatSession, entries: readonly ChatHistoryEntry[]): void {
  sessionId = session.id;
  incognito.show(session.incognito === true);
  transcript.open(session);
  history.show(entries);
  composer.setAnswering(transcript.answering);
}

/** The answer, or undefined after its failure was shown. */
async function ask<M extends WebviewMethod>(
  method: M,
  params: WebviewRequests[M]['params'],
): Promise<WebviewRequests[M]['result'] | undefined> {
  problem.hidden = true;
  try {
    return await host.request(method, params);
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
    return undefined;
  }
}
