import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { BodyRoom } from './bodyRoom.ts';

const answer = () => new ServerResponse(new IncomingMessage(new Socket()));

test('requests under way share one room; who leaves makes room, who does not fit is told to come again', () => {
  const room = new BodyRoom(100);
  const [first, second] = [answer(), answer()];
  room.take(first, 30);
  room.take(first, 30);
  room.take(second, 40);
  expect(room.total).toBe(100);
  expect(() => room.take(second, 1)).toThrow(expect.objectContaining({ code: 'busy' }) as Error);
  expect(room.total).toBe(100);
  first.emit('close');
  expect(room.total).toBe(40);
  room.take(second, 60);
  second.emit('close');
  expect(room.total).toBe(0);
});
