/** A chat as data: turns are added and changed by making new sessions, so that every snapshot can be sent as it is. */
import type { ChatHistoryEntry, ChatSession, ChatTurn } from '#protocol/webview.ts';

const TITLE_CHARS = 60;
const UNTITLED = 'New chat';

export function emptySession(id: string, now: number, incognito = false): ChatSession {
  return { id, title: UNTITLED, updatedAt: now, turns: [], ...(incognito ? { incognito } : {}) };
}

export function addTurn(session: ChatSession, turn: ChatTurn, now: number): ChatSession {
  const title = session.turns.length === 0 && turn.role === 'user' ? titleOf(turn.text) : session.title;
  return { ...session, title, updatedAt: now, turns: [...session.turns, turn] };
}

/** The session with the turn of the same id replaced. */
export function changeTurn(session: ChatSession, turn: ChatTurn, now: number): ChatSession {
  return { ...session, updatedAt: now, turns: session.turns.map((old) => (old.id === turn.id ? turn : old)) };
}

/** Drops the answers behind the last question, so that it can be asked again. Undefined when there is no question. */
export function beforeLastAnswer(session: ChatSession): ChatSession | undefined {
  const question = session.turns.findLastIndex((turn) => turn.role === 'user');
  return question === -1 ? undefined : { ...session, turns: session.turns.slice(0, question + 1) };
}

export function historyEntry(session: ChatSession): ChatHistoryEntry {
  return { id: session.id, title: session.title, updatedAt: session.updatedAt };
}

/** The first words of the question, on one line. */
function titleOf(question: string): string {
  const line = question.replace(/\s+/g, ' ').trim();
  if (line === '') return UNTITLED;
  if (line.length <= TITLE_CHARS) return line;
  // Not between the halves of a surrogate pair.
  return `${line
    .slice(0, TITLE_CHARS - 1)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()}…`;
}

/** Version of the stored form; a change of its shape raises it and keeps a reader for the older ones. */
const FILE_VERSION = 1;

/** The text of a session's file. */
export function serializeSession(session: ChatSession): string {
  return JSON.stringify({ v: FILE_VERSION, ...session });
}

/**
 * A stored session, or undefined when the text is not one. An answer that was streaming when the editor ended is shown as
 * stopped.
 */
export function parseSession(text: string): ChatSession | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, id, title, updatedAt, turns } = value as Partial<Record<keyof ChatSession | 'v', unknown>>;
  if (
    v !== FILE_VERSION ||
    typeof id !== 'string' ||
    typeof title !== 'string' ||
    typeof updatedAt !== 'number' ||
    !Array.isArray(turns)
  )
    return undefined;
  const read = turns.map(parseTurn);
  if (read.some((turn) => turn === undefined)) return undefined;
  return { id, title, updatedAt, turns: read.filter((turn) => turn !== undefined) };
}

/** As the host names cards. */
const MEMORY_ID = /^[0-9a-f]{16}$/;
const isMemoryId = (value: unknown): value is string => typeof value === 'string' && MEMORY_ID.test(value);

const STATES: readonly string[] = ['streaming', 'done', 'stopped', 'failed'] satisfies ChatTurn['state'][];

function parseTurn(value: unknown): ChatTurn | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, role, text, state, error, attachment, memories } = value as Partial<Record<keyof ChatTurn, unknown>>;
  if (typeof id !== 'string' || typeof text !== 'string' || typeof state !== 'string') return undefined;
  if ((role !== 'user' && role !== 'assistant') || !STATES.includes(state)) return undefined;
  const attached = attachment as ChatTurn['attachment'] | undefined;
  return {
    id,
    role,
    text,
    state: state === 'streaming' ? 'stopped' : (state as ChatTurn['state']),
    ...(typeof error === 'string' ? { error } : {}),
    ...(typeof attached?.label === 'string' && typeof attached.text === 'string'
      ? { attachment: { label: attached.label, text: attached.text } }
      : {}),
    ...(Array.isArray(memories) && memories.every(isMemoryId) ? { memories } : {}),
  };
}
