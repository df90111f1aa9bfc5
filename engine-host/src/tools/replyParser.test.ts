import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { preservedTexts, ReplyParser, replyFormOf, type ReplyForm } from './replyParser.ts';
import type { ReplyEvent, ToolDefinition } from './types.ts';

const TOOLS: ToolDefinition[] = [
  {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        days: { type: 'integer' },
        tags: { type: 'array' },
        exact: { type: 'boolean' },
        note: { type: ['string', 'null'] },
      },
    },
  },
  { name: 'now', description: '', parameters: { type: 'object', properties: {} } },
];

interface Seen {
  text: string;
  thinking: string;
  calls: { name: string; json: string; ended: 'called' | 'broken' | undefined }[];
  order: string;
}

/** What all events amount to, however the text was split. */
function sum(events: readonly ReplyEvent[]): Seen {
  const seen: Seen = { text: '', thinking: '', calls: [], order: '' };
  for (const event of events) {
    if (event.type === 'text' || event.type === 'thinking') seen[event.type] += event.text;
    else if (event.type === 'call') {
      expect(event.index).toBe(seen.calls.length);
      seen.calls.push({ name: event.name, json: '', ended: undefined });
    } else {
      const call = seen.calls.at(-1)!;
      expect(event.index).toBe(seen.calls.length - 1);
      expect(call.ended).toBeUndefined();
      if (event.type === 'arguments') call.json += event.json;
      else call.ended = event.type;
    }
    const sign = event.type === 'arguments' ? '' : event.type[0]!;
    if (!seen.order.endsWith(sign) || sign === 'c') seen.order += sign;
  }
  return seen;
}

function read(
  form: ReplyForm,
  pieces: readonly string[],
  options: { promptEnd?: string; maxCalls?: number; none?: boolean } = {},
): Seen {
  const parser = new ReplyParser(form, {
    tools: options.none === true ? [] : TOOLS,
    promptEnd: options.promptEnd ?? '',
    ...(options.maxCalls === undefined ? {} : { maxCalls: options.maxCalls }),
  });
  return sum([...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]);
}

/** Reads it whole, in two pieces at every place, and character by character: always the same. */
function everywhere(form: ReplyForm, text: string, options: Parameters<typeof read>[2] = {}): Seen {
  const whole = read(form, [text], options);
  for (let at = 1; at < text.length; at++)
    expect(read(form, [text.slice(0, at), text.slice(at)], options), `split at ${at}`).toEqual(whole);
  expect(read(form, text.split(''), options)).toEqual(whole);
  return whole;
}

const PARIS = { name: 'get_weather', arguments: { city: 'Paris', days: 2 } };
const NOW = { name: 'now', arguments: {} };
const asked = (seen: Seen) => seen.calls.map((c) => ({ name: c.name, arguments: JSON.parse(c.json) as unknown }));

/** What is characteristic of a template, and answers that its models write: words, one call, two calls. */
const FAMILIES: Record<string, { template: string; one: string; two: string; thought?: string }> = {
  hermes: {
    template: '<tool_call> <think>',
    one: '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>',
    two: '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>',
    thought: '<think>\nHm <b>.\n</think>\n\n',
  },
  'qwen3-coder': {
    template: '<tool_call><function=x><parameter=y> <think>',
    one: '<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>',
    two: '<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=now>\n</function>\n</tool_call>',
    thought: '<think>\nHm <b>.\n</think>\n\n',
  },
  llama: {
    template: '<|python_tag|>',
    one: '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}',
    two: '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}; {"name": "now", "parameters": {}}',
  },
  'mistral, old': {
    template: '[TOOL_CALLS] [THINK]',
    one: '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}, "id": "abcdef012"}]',
    two: '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}, {"name": "now", "arguments": {}}]',
    thought: '[THINK]Hm <b>.[/THINK]',
  },
  'mistral, new': {
    template: '[TOOL_CALLS]',
    one: '[TOOL_CALLS]get_weather[CALL_ID]abcdef012[ARGS]{"city": "Paris", "days": 2}',
    two: '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris", "days": 2}[TOOL_CALLS]now[ARGS]{}',
  },
  'deepseek r1': {
    template: '<｜tool▁call▁begin｜> <think>',
    one: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Paris", "days": 2}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    two: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Paris", "days": 2}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    thought: '<think>Hm <b>.</think>',
  },
  'deepseek v3.1': {
    template: '<｜tool▁call▁begin｜> </think>',
    one: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris", "days": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    two: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris", "days": 2}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  },
  'deepseek v3.2': {
    template: '<｜DSML｜invoke',
    one: '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    two: '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
  },
  'gpt-oss': {
    template: '<|channel|><|message|>commentary',
    one: '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Paris", "days": 2}',
    two: '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Paris", "days": 2}<|call|><|start|>assistant to=functions.now<|channel|>commentary json<|message|>{}',
    thought: '<|channel|>analysis<|message|>Hm <b>.<|end|><|start|>assistant',
  },
  'glm 4.6': {
    template: '<tool_call><arg_key> <think>',
    one: '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>',
    two: '<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value><arg_key>days</arg_key><arg_value>2</arg_value></tool_call><tool_call>now</tool_call>',
    thought: '<think>Hm <b>.</think>\n',
  },
  'kimi k2': {
    template: '<|tool_call_begin|>',
    one: '<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris", "days": 2}<|tool_call_end|><|tool_calls_section_end|>',
    two: '<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris", "days": 2}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>',
  },
  'minimax m2': {
    template: '<minimax:tool_call> <think>',
    one: '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n<parameter name="days">2</parameter>\n</invoke>\n</minimax:tool_call>',
    two: '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n<parameter name="days">2</parameter>\n</invoke>\n<invoke name="now">\n</invoke>\n</minimax:tool_call>',
    thought: '<think>\nHm <b>.\n</think>\n\n',
  },
  cohere: {
    template: '<|START_ACTION|> <|START_THINKING|>',
    one: '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Paris", "days": 2}}\n]<|END_ACTION|>',
    two: '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Paris", "days": 2}},\n    {"tool_call_id": "1", "tool_name": "now", "parameters": {}}\n]<|END_ACTION|>',
    thought: '<|START_THINKING|>Hm <b>.<|END_THINKING|>',
  },
  lfm2: {
    template: '<|tool_call_start|>',
    one: "<|tool_call_start|>[get_weather(city='Paris', days=2)]<|tool_call_end|>",
    two: '<|tool_call_start|>[get_weather(city="Paris", days=2), now()]<|tool_call_end|>',
  },
  'gemma 4': {
    template: '<|tool_call><tool_call|> <|channel>thought',
    one: '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:2}<tool_call|>',
    two: '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:2}<tool_call|><|tool_call>call:now{}<tool_call|>',
    thought: '<|channel>thought\nHm <b>.\n<channel|>',
  },
  'function gemma': {
    template: '<start_function_call>',
    one: '<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:2}<end_function_call>',
    two: '<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:2}<end_function_call><start_function_call>call:now{}<end_function_call>',
  },
  functionary: {
    template: '<function=',
    one: '<function=get_weather>{"city": "Paris", "days": 2}</function>',
    two: '<function=get_weather>{"city": "Paris", "days": 2}</function><function=now>{}</function>',
  },
  granite: {
    template: '<|tool_call|>',
    one: '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}]',
    two: '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}, {"name": "now", "arguments": {}}]',
  },
  generic: {
    template: '',
    one: '{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}',
    two: '```json\n[{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}, {"name": "now", "arguments": {}}]\n```',
  },
};
const HARMONY_WORDS = '<|channel|>final<|message|>';

describe.each(Object.entries(FAMILIES))('%s', (name, { template, one, two, thought }) => {
  const form = replyFormOf(template, true);
  const words = (text: string) => (name === 'gpt-oss' ? HARMONY_WORDS + text : text);
  const then = name === 'gpt-oss' ? '<|end|><|start|>assistant' : '';

  test('words alone go through as they are, also what resembles a call', () => {
    const text = 'Use <b>, [x], {"a": 1}, `f()` and\n\n<tool> é🙂. ';
    expect(everywhere(form, words(text))).toEqual({ text, thinking: '', calls: [], order: 't' });
  });

  test('one call, split at every place', () => {
    const seen = everywhere(form, one);
    expect(asked(seen)).toEqual([PARIS]);
    expect(seen).toMatchObject({ text: '', thinking: '', order: 'cc' });
  });

  test('two calls behind words; the white space between belongs to the form', () => {
    if (name === 'generic') return;
    const seen = everywhere(form, `${words('Let me look.')}\n\n${then}${two}`);
    expect(asked(seen)).toEqual([PARIS, NOW]);
    expect(seen).toMatchObject({ text: 'Let me look.', order: 'tcccc' });
  });

  test('a thought before it', () => {
    if (thought === undefined) return;
    const seen = everywhere(form, thought + two);
    expect(asked(seen)).toEqual([PARIS, NOW]);
    expect(seen).toMatchObject({ text: '', thinking: 'Hm <b>.' });
    expect(everywhere(form, thought + words('Yes.'))).toMatchObject({ text: 'Yes.', thinking: 'Hm <b>.', order: 't' });
    expect(everywhere(form, thought + words('Yes.'), { none: true })).toMatchObject({
      text: 'Yes.',
      thinking: 'Hm <b>.',
    });
  });

  test('one call at most, when no more were wanted', () => {
    const seen = everywhere(form, `${two}\nand more`, { maxCalls: 1 });
    expect(asked(seen)).toEqual([PARIS]);
    expect(seen.text).toBe('');
  });

  test('without tools a call is text', () => {
    if (form.harmony) return;
    expect(everywhere(form, one, { none: true })).toMatchObject({ text: one, calls: [] });
  });

  test('cut off anywhere: nothing is lost, nothing incomplete passes for a call', () => {
    for (let at = 0; at < two.length; at++) {
      const seen = everywhere2(form, two.slice(0, at));
      for (const call of seen.calls) {
        if (call.ended === 'called')
          expect([PARIS, NOW]).toContainEqual({ name: call.name, arguments: JSON.parse(call.json) as unknown });
        else expect(call.ended).toBe('broken');
      }
      if (seen.calls.length === 0 && !form.harmony) {
        const shown =
          form.calls.strays?.reduce((text, stray) => text.replaceAll(stray, ''), two.slice(0, at)) ?? two.slice(0, at);
        expect(seen.text.trim()).toBe(shown.trim());
      }
    }
  });

  test('any text at all: the same however it is split, and every call has its end', () => {
    const marks = [
      ...new Set([...preservedTexts(form, true), ...`${one}${two}${thought ?? ''}`.split(/(?<=[>\]}"'])|(?=[<[{"'])/)]),
    ];
    const piece = fc.oneof(
      fc.constantFrom(...marks),
      fc.constantFrom(...marks),
      fc.string({ maxLength: 4 }),
      fc.constantFrom('"', '\\', '\n', ' '),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 24 }),
        fc.array(fc.nat(200), { maxLength: 8 }),
        fc.boolean(),
        (pieces, cuts, none) => {
          const text = pieces.join('');
          const whole = read(form, [text], { none });
          const at = [0, ...cuts.map((c) => c % (text.length + 1)).sort((a, b) => a - b), text.length];
          expect(
            read(
              form,
              at.slice(1).map((end, i) => text.slice(at[i], end)),
              { none },
            ),
          ).toEqual(whole);
          for (const call of whole.calls) {
            expect(call.ended).toBeDefined();
            if (call.ended === 'called') expect(JSON.parse(call.json)).toBeTypeOf('object');
          }
        },
      ),
      { numRuns: 120 },
    );
  });
});

function everywhere2(form: ReplyForm, text: string): Seen {
  const whole = read(form, [text]);
  expect(read(form, text.split(''))).toEqual(whole);
  return whole;
}

test('a closing mark that the limit of tokens cuts off is no text', () => {
  const form = replyFormOf('<tool_call>', true);
  const whole = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>';
  for (let length = whole.indexOf('}}') + 2; length <= whole.length; length++) {
    const seen = everywhere(form, whole.slice(0, length));
    expect([seen.text, asked(seen)], String(length)).toEqual(['', [NOW]]);
  }
});
