/** Tools, calls, and what a model's text turns into. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A function that a client offers to the model. */
export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments: an object. */
  readonly parameters: JsonObject;
}

/** A call that a model made. */
export interface ToolCall {
  /** Names the call to the client and ties its result to it. */
  readonly id: string;
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Whether a model may call, must call, or must call one certain tool. */
export type ToolChoice = 'none' | 'auto' | 'required' | { readonly name: string };

/**
 * What a piece of a model's text means. Calls are counted from 0; one is open at a time: `call`, `arguments`*, then `called` or `broken`.
 * The `arguments` of a call that ended with `called`, one behind the other, are a JSON object.
 */
export type ReplyEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly text: string }
  | { readonly type: 'call'; readonly index: number; readonly name: string }
  | { readonly type: 'arguments'; readonly index: number; readonly json: string }
  | { readonly type: 'called'; readonly index: number }
  /** The text ended in the middle of the call or broke its form. `source`: all of the call's text so far, for whoever can still show it as such. */
  | { readonly type: 'broken'; readonly index: number; readonly source: string };
