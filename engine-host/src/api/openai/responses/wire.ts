/** The response object of the Responses API, its items and its usage. */
import { randomUUID } from 'node:crypto';
import type { GenerateResult } from '#protocol/generation.ts';
import type { WireError } from '#protocol/errors.ts';
import type { Answer } from '../../../tools/answer.ts';
import { chatLogprobs, type Logprobs } from '../wire.ts';
import type { ResponsesBody } from './schema.ts';

export type OutputItem = Readonly<Record<string, unknown>>;

/** What a response says of its request; all states of one response share it. */
export type ResponseHead = Readonly<Record<string, unknown>>;

export function newId(prefix: 'resp' | 'msg' | 'rs' | 'fc'): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

/** `model`: the one that answers. */
export function responseHead(body: ResponsesBody, model: string): ResponseHead {
  return {
    id: newId('resp'),
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model,
    background: false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null, ...body.reasoning },
    // Whatever was asked for: nothing can be fetched later.
    store: false,
    temperature: body.temperature ?? 1,
    text: { ...body.text, format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    user: body.user ?? null,
  };
}

/** Before there is an answer. */
export function running(head: ResponseHead): ResponseHead {
  return { ...head, status: 'in_progress', error: null, incomplete_details: null, output: [], usage: null };
}

export function finished(head: ResponseHead, output: readonly OutputItem[], result: GenerateResult): ResponseHead {
  const cut = isCut(result);
  return {
    ...head,
    status: cut ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    output,
    usage: usage(result),
  };
}

export function failed(head: ResponseHead, output: readonly OutputItem[], error: WireError): ResponseHead {
  const code = error.code === 'context_overflow' ? 'context_length_exceeded' : responseErrorCode(error);
  return {
    ...head,
    status: 'failed',
    error: { code, message: error.message },
    incomplete_details: null,
    output,
    usage: null,
  };
}

/** The few codes that clients of this API know. */
export function responseErrorCode(error: WireError): string {
  if (error.code === 'busy' || error.code === 'engine_starting') return 'rate_limit_exceeded';
  return error.code === 'invalid_request' ? 'invalid_prompt' : 'server_error';
}

export function textPart(text: string, logprobs: Logprobs = []): Readonly<Record<string, unknown>> {
  return { type: 'output_text', text, annotations: [], logprobs: partLogprobs(logprobs) };
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export function messageItem(id: string, status: ItemStatus, content: readonly unknown[]): OutputItem {
  return { id, type: 'message', status, role: 'assistant', content };
}

export function reasoningPart(text: string): Readonly<Record<string, unknown>> {
  return { type: 'reasoning_text', text };
}

export function reasoningItem(id: string, status: ItemStatus, text: string): OutputItem {
  return { id, type: 'reasoning', status, summary: [], content: text === '' ? [] : [reasoningPart(text)] };
}

/** `json`: the arguments. `custom`: a tool whose input is the text that they hold. */
export function callItem(
  id: string,
  status: ItemStatus,
  callId: string,
  name: string,
  json: string,
  custom: boolean,
): OutputItem {
  if (!custom) return { id, type: 'function_call', status, call_id: callId, name, arguments: json };
  return { id, type: 'custom_tool_call', status, call_id: callId, name, input: customInput(json) };
}

function customInput(json: string): string {
  try {
    const { input } = JSON.parse(json) as { input?: unknown };
    return typeof input === 'string' ? input : json;
  } catch {
    return json;
  }
}

/** The items of an answer that is complete. */
export function answerItems(
  answer: Answer,
  cut: boolean,
  custom: ReadonlySet<string>,
  logprobs: Logprobs,
): OutputItem[] {
  const items = answer.blocks.map((block, i): OutputItem => {
    const status = cut && i === answer.blocks.length - 1 ? 'incomplete' : 'completed';
    switch (block.type) {
      case 'text':
        return messageItem(newId('msg'), status, [textPart(block.text, logprobs)]);
      case 'thinking':
        return reasoningItem(newId('rs'), status, block.text);
      case 'call': {
        const { id, name, arguments: input } = block.call;
        return callItem(newId('fc'), status, id, name, JSON.stringify(input), custom.has(name));
      }
    }
  });
  return items.length > 0
    ? items
    : [messageItem(newId('msg'), cut ? 'incomplete' : 'completed', [textPart('', logprobs)])];
}

export function partLogprobs(logprobs: Logprobs): unknown {
  return chatLogprobs(logprobs)['content'];
}

/** Whether the answer ended before the model ended it. */
export function isCut({ finish }: GenerateResult): boolean {
  return finish === 'length' || finish === 'deadline';
}

function usage({ promptTokens, cachedTokens, completionTokens }: GenerateResult): Record<string, unknown> {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  };
}
