/** What was recorded: conversations with their events, each with its delete button. */
import type { ConversationSummary, EventType, MemoryEvent } from '#protocol/memory.ts';
import { confirmed } from './confirmed.ts';
import { element } from './dom.ts';

export interface MemoryListActions {
  forgetConversation(id: string): void;
  forgetEvent(id: number): void;
}

const KINDS: Readonly<Partial<Record<EventType, string>>> = {
  'chat.turn': 'Chat',
  'completion.accepted': 'Completion',
};

export function memoryListView(
  conversations: readonly ConversationSummary[],
  events: readonly MemoryEvent[],
  actions: MemoryListActions,
): HTMLElement {
  const shown = events.filter((event) => KINDS[event.type] !== undefined && event.erased !== true);
  const known = new Set(conversations.map(({ id }) => id));
  const single = shown.filter(({ conversation }) => conversation === undefined || !known.has(conversation));
  const list = element('section', { id: 'memory-list', attributes: { 'aria-label': 'What was recorded' } });
  if (conversations.length + single.length === 0) {
    list.append(
      element(
        'p',
        { id: 'memory-empty', class: 'empty' },
        'Nothing is recorded yet. Chats and completions that you accept appear here.',
      ),
    );
    return list;
  }
  list.append(
    element(
      'ul',
      {},
      ...conversations.map((one) =>
        conversationView(
          one,
          shown.filter(({ conversation }) => conversation === one.id),
          actions,
        ),
      ),
      ...single.map((event) => eventView(event, actions)),
    ),
  );
  return list;
}

function conversationView(
  { id, title, updatedAt, events: count, closed, origin }: ConversationSummary,
  events: readonly MemoryEvent[],
  actions: MemoryListActions,
): HTMLElement {
  const facts = [
    new Date(updatedAt).toLocaleString(),
    `${count} ${count === 1 ? 'event' : 'events'}`,
    origin.client ?? origin.kind,
    closed ? 'closed' : 'open',
  ];
  return element(
    'li',
    { attributes: { 'data-conversation': id } },
    element(
      'details',
      {},
      element('summary', {}, title === '' ? 'Untitled' : title, element('small', {}, facts.join(' · '))),
      element('ul', {}, ...events.map((event) => eventView(event, actions))),
    ),
    confirmed('Delete', 'Really delete?', `Delete conversation ${title}`, () => {
      actions.forgetConversation(id);
    }),
  );
}

function eventView(event: MemoryEvent, actions: MemoryListActions): HTMLElement {
  return element(
    'li',
    { attributes: { 'data-event': String(event.event_id) } },
    element(
      'div',
      { class: 'event' },
      element(
        'small',
        {},
        `${KINDS[event.type] ?? event.type} · ${event.consolidated ? 'learned' : 'not learned yet'}`,
      ),
      element('p', { class: 'event-prompt' }, event.prompt.trim().slice(-300)),
      element('p', { class: 'event-response' }, event.response.trim().slice(0, 300)),
    ),
    confirmed('Delete', 'Really delete?', `Delete event ${event.event_id}`, () => {
      actions.forgetEvent(event.event_id);
    }),
  );
}
