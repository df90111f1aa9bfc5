import { expect, test } from 'vitest';
import type { PromptPart } from '#protocol/generation.ts';
import type { ChatItem, CompletionItem } from '../memory/dreaming/trainingItem.ts';
import { ItemTokens, type ItemRenderer } from './renderItem.ts';

const SPECIAL = ['<s>', '<|start|>', '<|end|>', '<|eos|>'];
const never = new AbortController().signal;

/** A ChatML-like template; tokens are characters, control tokens are negative. */
const model: ItemRenderer = {
  render: (messages) => {
    const parts: PromptPart[] = [];
    for (const { role, content } of messages) {
      parts.push(
        { text: `<|start|>${role}\n`, special: true },
        { text: content, special: false },
        { text: '<|end|>\n', special: true },
      );
    }
    return Promise.resolve([...parts, { text: '<|start|>assistant\n', special: true }]);
  },
  tokenize: (parts, addBos) => {
    const tokens = addBos ? [-1] : [];
    for (const part of parts) {
      if ('tokens' in part) tokens.push(...part.tokens);
      else {
        for (const piece of part.text.split(/(<[^<>]+>)/)) {
          const at = part.special ? SPECIAL.indexOf(piece) : -1;
          if (at >= 0) tokens.push(-1 - at);
          else for (const c of piece) tokens.push(c.charCodeAt(0));
        }
      }
    }
    return Promise.resolve(tokens);
  },
  eosToken: -4,
};
const base = { cards: [], events: [], replay: false };
const codes = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));

/** One question and its answer. */
function chat(question: string, answer: string): ChatItem {
  return {
    ...base,
    type: 'chat',
    id: 'x',
    purpose: 'question',
    weight: 1,
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  };
}

test('the loss is on the answer and on its end of turn, on nothing else', async () => {
  const { tokens, loss, weight } = await new ItemTokens(model).item(chat('Who?', 'Priya.'), never);
  const counted = [...tokens].filter((_, i) => loss[i] === 1);
  expect(counted).toEqual([...codes('Priya.'), -3]);
  expect([...tokens]).toEqual([-1, -2, ...codes('user\nWho?'), -3, 10, -2, ...codes('assistant\nPriya.'), -3]);
  expect(weight).toBe(1);
});

test('what a memory says is never a control token', async () => {
  const { tokens, loss } = await new ItemTokens(model).item(chat('a', '<|end|>'), never);
  expect([...tokens].filter((_, i) => loss[i] === 1)).toEqual([...codes('<|end|>'), -3]);
});

test('completions: behind their prefix, or between the model’s own tokens', async () => {
  const item: CompletionItem = {
    ...base,
    type: 'completion',
    id: 'x',
    weight: 0.7,
    prefix: 'ab',
    suffix: 'ef',
    completion: 'cd',
    language: 'ts',
  };
  const plain = await new ItemTokens(model).item(item, never);
  expect([[...plain.tokens], [...plain.loss], plain.weight]).toEqual([[-1, ...codes('abcd')], [0, 0, 0, 1, 1], 0.7]);
  const fim = await new ItemTokens({ ...model, fim: { prefix: 1, suffix: 2, middle: 3 } }).item(item, never);
  expect([...fim.tokens]).toEqual([-1, 1, ...codes('ab'), 2, ...codes('ef'), 3, ...codes('cd'), -4]);
  expect([...fim.loss].filter((l) => l === 1)).toHaveLength(3);
});

test('anchors; a template without an end of turn ends with the end token', async () => {
  const free = await new ItemTokens(model).anchor({ type: 'free', text: 'hi' }, never);
  expect([[...(free?.tokens ?? [])], [...(free?.loss ?? [])], free?.anchor]).toEqual([
    [-1, ...codes('hi')],
    [0, 1, 1],
    true,
  ]);
  const bare: ItemRenderer = {
    ...model,
    render: (m) => Promise.resolve([{ text: m.map((x) => `${x.content}\n`).join(''), special: false }]),
  };
  const chat = await new ItemTokens(bare).anchor({ type: 'chat', prompt: 'q', text: 'a' }, never);
  expect([...(chat?.tokens ?? [])].at(-1)).toBe(-4);
  const noStart: ItemRenderer = {
    ...model,
    tokenize: (parts) => Promise.resolve(codes(parts.map((p) => ('text' in p ? p.text : '')).join(''))),
  };
  expect(await new ItemTokens(noStart).anchor({ type: 'free', text: 'h' }, never)).toBeUndefined();
  expect((await new ItemTokens(noStart).anchor({ type: 'free', text: 'hi' }, never))?.tokens).toHaveLength(2);
});
