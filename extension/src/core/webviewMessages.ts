/** Judges what a webview sends: a message that is not exactly one of ours is not acted upon. */
import { MEMORY_MODES } from '#protocol/memory.ts';
import type { WebviewMethod, WebviewRequests } from '#protocol/webview.ts';

export type WebviewRequest = {
  readonly [M in WebviewMethod]: {
    readonly id: number;
    readonly method: M;
    readonly params: WebviewRequests[M]['params'];
  };
}[WebviewMethod];

/** Longest text that a view may send in one message, in UTF-16 units. */
const MAX_TEXT = 4 * 1024 * 1024;

/** Far more than one answer uses. */
const MAX_MEMORIES = 100;

type Params = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT;
const hasSession = (params: Params): boolean => isText(params['sessionId']);
const nothing = (): boolean => true;

const CHECKS: Readonly<Record<WebviewMethod, (params: Params) => boolean>> = {
  'chat/load': nothing,
  'chat/send': (params) =>
    hasSession(params) && isText(params['text']) && typeof params['attachSelection'] === 'boolean',
  'chat/retry': hasSession,
  'chat/stop': hasSession,
  'chat/new': (params) => typeof params['incognito'] === 'boolean',
  'chat/open': hasSession,
  'chat/remove': hasSession,
  'chat/memories': (params) =>
    Array.isArray(params['ids']) && params['ids'].length <= MAX_MEMORIES && params['ids'].every(isText),
  'chat/forget': (params) => isText(params['id']),
  'code/copy': (params) => isText(params['code']),
  'code/insert': (params) => isText(params['code']),
  'link/open': (params) => isText(params['href']),
  'engine/restart': nothing,
  'engine/showLog': nothing,
  'memory/load': nothing,
  'memory/delete': (params) =>
    isText(params['conversation']) ||
    (Array.isArray(params['ids']) && params['ids'].length <= 10_000 && params['ids'].every(Number.isSafeInteger)),
  'memory/mode': (params) => (MEMORY_MODES as readonly unknown[]).includes(params['mode']),
  'memory/sleep': nothing,
  'memory/wake': nothing,
  'memory/pause': nothing,
  'memory/resume': nothing,
  'memory/sources': (params) => isText(params['id']),
  'memory/editCard': (params) => isText(params['id']) && isText(params['statement']) && isText(params['value']),
  'memory/forgetCard': (params) => isText(params['id']),
  'memory/openConversation': (params) => isText(params['conversation']),
  'memory/clear': nothing,
  'adapters/rollback': nothing,
  'adapters/answer': (params) => isText(params['prompt']) && typeof params['adapter'] === 'boolean',
  'selection/marked': (params) => isText(params['text']),
};

/** The request in a message, or undefined when it is not one of version 1. */
export function parseRequest(message: unknown): WebviewRequest | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { v, id, method, params } = message as Params;
  if (v !== 1 || !Number.isSafeInteger(id) || typeof method !== 'string' || !Object.hasOwn(CHECKS, method))
    return undefined;
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined;
  if (!CHECKS[method as WebviewMethod](params as Params)) return undefined;
  return { id, method, params } as WebviewRequest;
}

/** The address when it may be opened in a browser or mail program, else undefined. */
export function openableLink(href: string): string | undefined {
  if (!URL.canParse(href)) return undefined;
  const url = new URL(href);
  return ['https:', 'http:', 'mailto:'].includes(url.protocol) ? url.href : undefined;
}
