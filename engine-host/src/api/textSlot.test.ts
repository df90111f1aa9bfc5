import { expect, test } from 'vitest';
import { textSlot } from './textSlot.ts';

test('writes what JSON.stringify writes, whatever the text', () => {
  const make = (text: string): object => ({
    id: 'a"b',
    choices: [{ delta: { content: text }, reason: null }],
    usage: 1,
  });
  const written = textSlot(make);
  for (const text of ['', 'plain', '"quoted" \\ \n', '🦊\u2028\0', '\ud800', '$& $1']) {
    expect(written(text)).toBe(JSON.stringify(make(text)));
  }
});

test('refuses an event without the text, or with the text in two places', () => {
  expect(() => textSlot(() => ({}))).toThrow('once');
  expect(() => textSlot((text) => [text, text])).toThrow('once');
  // A part of a value is no value.
  expect(() => textSlot((text) => `${text}!`)).toThrow('once');
});
