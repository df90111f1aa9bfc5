/** What the chat and memory webviews and the extension say to each other. Events are snapshots: a hidden webview keeps only the newest. */
import type { AdapterList } from './adapters.ts';
import type { HostStatus } from './editor.ts';
import type { Card, ConversationSummary, LossCurve, MemoryEvent, MemoryMode, MemoryStatus } from './memory.ts';

export interface ChatTurn {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** Markdown. */
  readonly text: string;
  readonly state: 'streaming' | 'done' | 'stopped' | 'failed';
  /** Plain words for people; set when `state` is `failed`. */
  readonly error?: string;
  /** Editor selection sent along with a user turn. */
  readonly attachment?: { readonly label: string; readonly text: string };
  /** Ids of the memories that went with the question; what they say is asked for when somebody wants to see it. */
  readonly memories?: readonly string[];
}

/** A memory that an answer used. */
export interface UsedMemory {
  readonly id: string;
  readonly statement: string;
}

/** One line of the list of earlier chats, newest first. */
export interface ChatHistoryEntry {
  readonly id: string;
  readonly title: string;
  readonly updatedAt: number;
}

export interface ChatSession {
  readonly id: string;
  readonly title: string;
  readonly updatedAt: number;
  readonly turns: readonly ChatTurn[];
  /** Nothing of it is recorded, learnt, looked up or stored; from its beginning to its end. */
  readonly incognito?: true;
}

/** Requests the webview sends and awaits. */
export interface WebviewRequests {
  'chat/load': {
    params: Record<string, never>;
    result: { session: ChatSession; history: readonly ChatHistoryEntry[] };
  };
  'chat/send': { params: { sessionId: string; text: string; attachSelection: boolean }; result: { turnId: string } };
  /** Runs the last question again after a failed or stopped answer. */
  'chat/retry': { params: { sessionId: string }; result: { turnId: string } };
  'chat/stop': { params: { sessionId: string }; result: null };
  'chat/new': { params: { incognito: boolean }; result: { session: ChatSession } };
  'chat/open': { params: { sessionId: string }; result: { session: ChatSession } };
  'chat/remove': { params: { sessionId: string }; result: null };
  /** What these memories say; those that are gone are left out. */
  'chat/memories': { params: { ids: readonly string[] }; result: { memories: readonly UsedMemory[] } };
  /** Forgets a memory for good, after the user confirmed it. */
  'chat/forget': { params: { id: string }; result: { forgotten: boolean } };
  'code/copy': { params: { code: string }; result: null };
  'code/insert': { params: { code: string }; result: null };
  'link/open': { params: { href: string }; result: null };
  'engine/restart': { params: Record<string, never>; result: null };
  'engine/showLog': { params: Record<string, never>; result: null };
  'memory/load': {
    params: Record<string, never>;
    result: {
      status: MemoryStatus;
      curve: LossCurve;
      /** Those that hold now, newest first. */
      cards: Card[];
      /** Absent while no model is loaded. */
      adapters?: AdapterList;
      conversations: ConversationSummary[];
      events: MemoryEvent[];
    };
  };
  'memory/delete': { params: { ids: number[] } | { conversation: string }; result: null };
  'memory/mode': { params: { mode: MemoryMode }; result: null };
  'memory/sleep': { params: Record<string, never>; result: null };
  'memory/wake': { params: Record<string, never>; result: null };
  /** Asks for how long. */
  'memory/pause': { params: Record<string, never>; result: null };
  'memory/resume': { params: Record<string, never>; result: null };
  /** The exchanges that a card comes from. */
  'memory/sources': { params: { id: string }; result: { events: MemoryEvent[] } };
  'memory/editCard': { params: { id: string; statement: string; value: string }; result: null };
  'memory/forgetCard': { params: { id: string }; result: null };
  /** In an editor, to read. */
  'memory/openConversation': { params: { conversation: string }; result: null };
  'memory/clear': { params: Record<string, never>; result: null };
  'adapters/rollback': { params: Record<string, never>; result: null };
  /** One short answer that nothing remembers: by the weights alone, with the adapter in force or without any. */
  'adapters/answer': { params: { prompt: string; adapter: boolean }; result: { text: string } };
  /** What is marked in the page; empty when nothing is. */
  'selection/marked': { params: { text: string }; result: null };
}
export type WebviewMethod = keyof WebviewRequests;

/** Events the extension pushes. */
export type WebviewEvent =
  | {
      readonly type: 'turn/delta';
      readonly sessionId: string;
      readonly turnId: string;
      readonly at: number;
      readonly text: string;
    }
  | { readonly type: 'turn/updated'; readonly sessionId: string; readonly turn: ChatTurn }
  | { readonly type: 'session/opened'; readonly session: ChatSession; readonly history: readonly ChatHistoryEntry[] }
  | { readonly type: 'history/changed'; readonly history: readonly ChatHistoryEntry[] }
  | { readonly type: 'engine/status'; readonly status: HostStatus | undefined }
  | { readonly type: 'selection/changed'; readonly label: string | undefined }
  | { readonly type: 'memory/changed' };

/** Envelope of every message between a webview and the extension. */
export type ToExtension = {
  readonly v: 1;
  readonly id: number;
  readonly method: WebviewMethod;
  readonly params: unknown;
};
export type ToWebview =
  | { readonly v: 1; readonly id: number; readonly result: unknown }
  | { readonly v: 1; readonly id: number; readonly error: string }
  | { readonly v: 1; readonly event: WebviewEvent };
