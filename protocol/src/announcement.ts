/** `engine.json` in the Zell home: how a running host tells clients where it is. */

export const DEFAULT_PORT = 11434;
export const DEFAULT_HOST = '127.0.0.1';

/** Written with mode 0600 after the port is open, removed at the end. A reader trusts it only after `GET /api/version` answers with the same `instance`. */
export interface Announcement {
  readonly v: 1;
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  /** Random, 32 bytes hex: opens the editor socket and the routes that change things. */
  readonly token: string;
  /** Random id of this process' life; `/api/version` reports it as `zell.instance`. */
  readonly instance: string;
  /** Version of the package that runs it. */
  readonly version: string;
}

/** The announcement in a text, or undefined when it is not one. */
export function parseAnnouncement(text: string): Announcement | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const a = value as Partial<Record<keyof Announcement, unknown>>;
  if (
    a.v !== 1 ||
    typeof a.pid !== 'number' ||
    typeof a.host !== 'string' ||
    typeof a.port !== 'number' ||
    !Number.isInteger(a.port) ||
    a.port < 1 ||
    a.port > 65535 ||
    typeof a.token !== 'string' ||
    typeof a.instance !== 'string' ||
    typeof a.version !== 'string'
  )
    return undefined;
  return { v: 1, pid: a.pid, host: a.host, port: a.port, token: a.token, instance: a.instance, version: a.version };
}
