/** Request bodies of OpenAI's text routes, with llama.cpp's extra sampling fields. */
import { Type, type Static } from 'typebox';
import type { SamplingParams } from '#protocol/sampling.ts';
import { constraintOfFormat, constraintOfLlama, onlyConstraint, type Constrained } from '../constraint.ts';
import { SamplerFields } from '../samplers.ts';
import { sampling } from '../sampling.ts';
import {
  anything,
  Content,
  DraftLimit,
  flag,
  integer,
  lora,
  number,
  optional,
  record,
  stop,
  text,
} from '../schemas.ts';

const Common = {
  model: text(),
  stream: flag(),
  stream_options: optional(Type.Object({ include_usage: flag() })),
  max_tokens: integer(-1),
  temperature: number(0, 2),
  top_p: number(0, 1),
  n: integer(1, 16),
  seed: integer(),
  stop: stop(),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  logit_bias: anything(),
  top_k: integer(),
  min_p: number(0, 1),
  repeat_penalty: number(0, 100),
  repeat_last_n: integer(-1),
  ...SamplerFields,
  ignore_eos: flag(),
  lora: lora(),
  ...DraftLimit,
  response_format: optional(
    Type.Object({
      type: Type.String(),
      schema: anything(),
      json_schema: optional(Type.Object({ name: text(), schema: anything(), strict: flag() })),
    }),
  ),
  grammar: anything(),
  json_schema: anything(),
};

export const ChatMessages = Type.Array(
  Type.Object({
    role: Type.String(),
    content: Type.Optional(Content),
    tool_calls: optional(Type.Array(Type.Object({ function: optional(Type.Object({ name: Type.String() })) }))),
    tool_call_id: text(),
    reasoning_content: text(),
    reasoning: text(),
  }),
  { minItems: 1, maxItems: 65_536 },
);

export const ChatBody = Type.Object({
  ...Common,
  messages: ChatMessages,
  max_completion_tokens: integer(-1),
  logprobs: flag(),
  top_logprobs: integer(0, 20),
  tools: optional(Type.Array(Type.Unknown())),
  tool_choice: anything(),
  parallel_tool_calls: flag(),
  function_call: anything(),
  reasoning_effort: text(),
  reasoning: optional(Type.Object({ effort: text() })),
  chat_template_kwargs: record(),
  return_tokens: flag(),
});
export type ChatBody = Static<typeof ChatBody>;

export const CompletionBody = Type.Object({
  ...Common,
  prompt: Type.Union([
    Type.String(),
    Type.Array(Type.String(), { maxItems: 64 }),
    Type.Array(Type.Integer({ minimum: 0 })),
    Type.Array(Type.Array(Type.Integer({ minimum: 0 })), { maxItems: 64 }),
  ]),
  suffix: text(),
  echo: flag(),
  best_of: integer(1),
  logprobs: optional(Type.Union([Type.Boolean(), Type.Integer({ minimum: 0, maximum: 20 })])),
});
export type CompletionBody = Static<typeof CompletionBody>;

/** `defaults`: what the model's own name says in place of the family's. */
export function samplingOf(
  body: ChatBody | CompletionBody,
  logitBias: SamplingParams['logitBias'],
  defaults: SamplingParams,
): SamplingParams {
  return sampling(defaults, {
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    minP: body.min_p,
    repeatPenalty: body.repeat_penalty,
    repeatLastN: body.repeat_last_n,
    frequencyPenalty: body.frequency_penalty,
    presencePenalty: body.presence_penalty,
    seed: body.seed,
    logitBias,
    samplers: body,
  });
}

/** `response_format`, or llama.cpp's `grammar` and `json_schema`. @throws {ZellError} invalid_request */
export function constraintOf(body: ChatBody | CompletionBody): Constrained {
  return onlyConstraint(constraintOfFormat(body.response_format, 'response_format'), constraintOfLlama(body));
}
