/** Request bodies of OpenAI's Responses API. */
import { Type, type Static } from 'typebox';
import { unsupported } from '../../errors.ts';
import { anything, Content, flag, integer, number, optional, record, text } from '../../schemas.ts';

const Item = Type.Object({
  type: text(),
  role: text(),
  content: Type.Optional(Content),
  name: text(),
  output: anything(),
});

const Common = {
  model: text(),
  input: optional(Type.Union([Type.String(), Type.Array(Item, { maxItems: 65_536 })])),
  instructions: text(),
  previous_response_id: text(),
  conversation: anything(),
  prompt: anything(),
  tools: optional(Type.Array(Type.Object({ type: Type.String() }), { maxItems: 1024 })),
  tool_choice: anything(),
  parallel_tool_calls: flag(),
  reasoning: record(),
  text: optional(
    Type.Object({ format: optional(Type.Object({ type: Type.String() })), verbosity: Type.Optional(Type.Unknown()) }),
  ),
  truncation: text(),
};

export const InputTokensBody = Type.Object(Common);
export type InputTokensBody = Static<typeof InputTokensBody>;

export const ResponsesBody = Type.Object({
  ...Common,
  stream: flag(),
  background: flag(),
  store: flag(),
  include: optional(Type.Array(Type.String(), { maxItems: 64 })),
  max_output_tokens: integer(1),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_logprobs: integer(0, 20),
  metadata: record(),
  user: text(),
});
export type ResponsesBody = Static<typeof ResponsesBody>;

/**
 * What cannot be honoured and must not be ignored: anything that refers to a stored response (nothing is stored), and forms of answers
 * that are not there yet.
 * @throws {ZellError}
 */
export function refuseUnsupported(body: ResponsesBody | InputTokensBody): void {
  const { previous_response_id: previous, conversation, prompt } = body;
  if (filled(previous))
    throw unsupported(
      'previous_response_id is not supported: no response is stored here. Send the whole conversation as input.',
      'previous_response_id',
    );
  if (filled(conversation))
    throw unsupported(
      'conversation is not supported: no conversation is stored here. Send all of it as input.',
      'conversation',
    );
  if (filled(prompt)) throw unsupported('prompt templates are not stored here. Send instructions and input.', 'prompt');
  if ('background' in body && body.background === true)
    throw unsupported('background is not supported: no response is stored here.', 'background');
}

function filled(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
