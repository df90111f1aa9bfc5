/** Request bodies of Anthropic's Messages API. */
import { Type, type Static } from 'typebox';
import { anything, flag, number, optional, text } from '../schemas.ts';

const Block = Type.Object({ type: Type.String() });
const BlocksOrText = Type.Union([Type.String(), Type.Array(Block)]);

const Common = {
  model: text(),
  messages: Type.Array(Type.Object({ role: Type.String(), content: BlocksOrText }), { minItems: 1, maxItems: 65_536 }),
  system: optional(BlocksOrText),
  tools: optional(Type.Array(Type.Unknown())),
  tool_choice: optional(Type.Object({ type: Type.String(), name: text(), disable_parallel_tool_use: flag() })),
  thinking: optional(Type.Object({ type: text() })),
  output_config: optional(Type.Object({ format: anything(), effort: anything() })),
  output_format: anything(),
};

export const CountBody = Type.Object(Common);
export type CountBody = Static<typeof CountBody>;

export const MessagesBody = Type.Object({
  ...Common,
  max_tokens: Type.Integer({ minimum: 1 }),
  stream: flag(),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: number(0),
  stop_sequences: optional(Type.Array(Type.String())),
});
export type MessagesBody = Static<typeof MessagesBody>;
