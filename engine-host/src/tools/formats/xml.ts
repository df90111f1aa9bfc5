/** Formats that write each argument between marks of its own. */
import type { CallFormat, Reading } from '../format.ts';
import { accept, acceptOne, collect, space, type Step } from '../input.ts';
import type { JsonObject } from '../types.ts';
import { parameterValue, type ValueRules } from './parameters.ts';

const MAX_NAME = 256;

interface Tags {
  readonly name: string;
  /** Around several calls, or around each; the call's own mark may stand without it. */
  readonly blocks: readonly (readonly [open: string, close: string])[];
  readonly call: readonly [open: string, close: string];
  readonly parameter: readonly [open: string, close: string];
  readonly ownLines: boolean;
  readonly endsThinking?: boolean;
}

function tagged({ name, blocks, call, parameter, ownLines, endsThinking }: Tags): CallFormat {
  const closes = blocks.map(([, close]) => close);
  return {
    name,
    marks: [...blocks.map(([open]) => open), call[0]],
    inner: closes,
    ...(endsThinking === undefined ? {} : { endsThinking }),
    *call(reading, mark): Step<boolean> {
      const { input } = reading;
      if (mark !== call[0]) {
        yield* space(input);
        if (!(yield* accept(input, call[0]))) return false;
      }
      do {
        if (!(yield* oneCall(reading, call[1], parameter, ownLines))) return false;
        // The next one is remembered by itself.
        input.remember();
        yield* space(input);
      } while (yield* accept(input, call[0]));
      yield* acceptOne(input, closes);
      return true;
    },
  };
}

/** From the name on; `<function=` and the like were taken. */
function* oneCall(
  { input, reply, schemaOf }: Reading,
  close: string,
  [open, end]: readonly [string, string],
  ownLines: boolean,
): Step<boolean> {
  const name = (yield* collect(input, ['>'], MAX_NAME))?.text.replace(/^"|"$/g, '').trim();
  if (name === undefined || name === '' || !reply.begin(name)) return false;
  const properties = propertiesOf(schemaOf(name));
  reply.arguments('{');
  for (let n = 0; ; n++) {
    yield* space(input);
    const mark = yield* acceptOne(input, [open, close]);
    if (mark === undefined) return false;
    if (mark === close) break;
    const tag = (yield* collect(input, ['>'], MAX_NAME))?.text;
    const [, key, attributes] = /^\s*"?([^"]*?)"?((?:\s+[\w-]+="[^"]*")*)\s*$/.exec(tag ?? '') ?? [];
    if (key === undefined || key === '') return false;
    const said = /\bstring="(true|false)"/.exec(attributes ?? '')?.[1];
    reply.arguments(`${n === 0 ? '' : ', '}${JSON.stringify(key)}: `);
    const rules: ValueRules = { ownLines, isText: said === undefined ? undefined : said === 'true' };
    if (!(yield* parameterValue(input, reply, properties[key], end, rules))) return false;
  }
  reply.arguments('}');
  reply.finish();
  return true;
}

function propertiesOf(schema: JsonObject | undefined): JsonObject {
  const properties = schema?.['properties'];
  return typeof properties === 'object' && properties !== null ? (properties as JsonObject) : {};
}

/** Qwen3-Coder, Qwen3.5, Nemotron 3, StepFun. */
export const qwenCoder = tagged({
  name: 'qwen3-coder',
  blocks: [['<tool_call>', '</tool_call>']],
  call: ['<function=', '</function>'],
  parameter: ['<parameter=', '</parameter>'],
  ownLines: true,
  endsThinking: true,
});
export const seed = tagged({
  name: 'seed-oss',
  blocks: [['<seed:tool_call>', '</seed:tool_call>']],
  call: ['<function=', '</function>'],
  parameter: ['<parameter=', '</parameter>'],
  ownLines: false,
});
export const minimax2 = tagged({
  name: 'minimax-m2',
  blocks: [['<minimax:tool_call>', '</minimax:tool_call>']],
  call: ['<invoke name=', '</invoke>'],
  parameter: ['<parameter name=', '</parameter>'],
  ownLines: false,
});
/** DeepSeek V3.2 and V4. */
export const dsml = tagged({
  name: 'deepseek-dsml',
  blocks: [
    ['<｜DSML｜function_calls>', '</｜DSML｜function_calls>'],
    ['<｜DSML｜tool_calls>', '</｜DSML｜tool_calls>'],
  ],
  call: ['<｜DSML｜invoke name=', '</｜DSML｜invoke>'],
  parameter: ['<｜DSML｜parameter name=', '</｜DSML｜parameter>'],
  ownLines: false,
});

/** GLM 4.5 and later: `<tool_call>name`, then `<arg_key>…</arg_key><arg_value>…</arg_value>` for each argument. */
export const glm: CallFormat = {
  name: 'glm',
  marks: ['<tool_call>'],
  inner: ['</tool_call>', '<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>'],
  *call({ input, reply, schemaOf }): Step<boolean> {
    const head = yield* collect(input, ['<arg_key>', '</tool_call>'], MAX_NAME);
    const name = head?.text.trim() ?? '';
    if (head === undefined || !/^\S+$/.test(name) || !reply.begin(name)) return false;
    const properties = propertiesOf(schemaOf(name));
    reply.arguments('{');
    let mark: string | undefined = head.mark;
    for (let n = 0; mark === '<arg_key>'; n++) {
      const key = (yield* collect(input, ['</arg_key>'], MAX_NAME))?.text.trim();
      yield* space(input);
      if (key === undefined || !(yield* accept(input, '<arg_value>'))) return false;
      reply.arguments(`${n === 0 ? '' : ', '}${JSON.stringify(key)}: `);
      if (!(yield* parameterValue(input, reply, properties[key], '</arg_value>', { ownLines: false }))) return false;
      yield* space(input);
      mark = yield* acceptOne(input, ['<arg_key>', '</tool_call>']);
    }
    if (mark === undefined) return false;
    reply.arguments('}');
    reply.finish();
    return true;
  },
};
