import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { compileValidator } from './validator.ts';

const schema = Type.Object({ list: Type.Array(Type.Object({ role: Type.String() }), { maxItems: 1000 }) });
const validate = compileValidator({ schema, method: 'POST', url: '/', httpPart: 'body' });
const messageOf = (value: unknown): string => (validate(value) as { error: Error }).error.message;

test('a right body passes as it is; a wrong one is told where', () => {
  const right = { list: [{ role: 'user' }], more: 1 };
  expect(validate(right)).toEqual({ value: right });
  expect(messageOf({ list: [{ role: 5 }] })).toContain('body/list/0/role');
  expect(messageOf({})).toContain('body');
});

test('of a long list only the beginning is looked at for a reason', () => {
  const wrong = { list: Array.from({ length: 900 }, (_, i) => ({ role: i < 899 ? 'user' : 5 })) };
  expect(messageOf(wrong)).toContain('a later item is wrong');
  expect(messageOf({ list: Array.from({ length: 300_000 }, () => ({ role: 5 })) }).length).toBeLessThan(400);
});
