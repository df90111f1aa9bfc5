import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IDLE_END_MS, Leases, ORPHAN_END_MS, type Lifetime } from './leases.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function leases(lifetime: Lifetime): { leases: Leases; idle: ReturnType<typeof vi.fn> } {
  const idle = vi.fn();
  return { leases: new Leases(lifetime, { onIdle: idle }), idle };
}

test('ends five minutes after the last lease, not before', () => {
  const { leases: l, idle } = leases('editor');
  l.start();
  const a = l.acquire('editor');
  const b = l.acquire('editor');
  vi.advanceTimersByTime(IDLE_END_MS * 3);
  a();
  vi.advanceTimersByTime(IDLE_END_MS * 3);
  b();
  vi.advanceTimersByTime(IDLE_END_MS - 1);
  expect(idle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(idle).toHaveBeenCalledOnce();
});

test('a request in between starts the five minutes again', () => {
  const { leases: l, idle } = leases('editor');
  l.start();
  vi.advanceTimersByTime(IDLE_END_MS - 10);
  l.acquire('request')();
  vi.advanceTimersByTime(IDLE_END_MS - 10);
  expect(idle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10);
  expect(idle).toHaveBeenCalledOnce();
});

test('a host of one command ends with it', () => {
  const { leases: l, idle } = leases('command');
  l.start();
  const release = l.acquire('cli');
  vi.advanceTimersByTime(IDLE_END_MS * 10);
  release();
  vi.advanceTimersByTime(0);
  expect(idle).toHaveBeenCalledOnce();
});

test('a host of one command whose command never came ends too', () => {
  const { leases: l, idle } = leases('command');
  l.start();
  vi.advanceTimersByTime(ORPHAN_END_MS);
  expect(idle).toHaveBeenCalledOnce();
});

test('a request before its command does not end the host of one command', () => {
  const { leases: l, idle } = leases('command');
  l.start();
  l.acquire('request')();
  vi.advanceTimersByTime(ORPHAN_END_MS - 1);
  expect(idle).not.toHaveBeenCalled();
  const command = l.acquire('cli');
  l.acquire('request')();
  vi.advanceTimersByTime(ORPHAN_END_MS);
  expect(idle).not.toHaveBeenCalled();
  command();
  vi.advanceTimersByTime(0);
  expect(idle).toHaveBeenCalledOnce();
});

test('an editor that joins a command keeps the host after the command', () => {
  const { leases: l, idle } = leases('command');
  l.start();
  const command = l.acquire('cli');
  const editor = l.acquire('editor');
  command();
  editor();
  vi.advanceTimersByTime(IDLE_END_MS - 1);
  expect(idle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(idle).toHaveBeenCalledOnce();
});

test('a serving host never ends by itself, also when it became one later', () => {
  const serving = leases('keep');
  serving.leases.start();
  serving.leases.acquire('cli')();
  const later = leases('editor');
  later.leases.start();
  later.leases.keep();
  later.leases.acquire('editor')();
  vi.advanceTimersByTime(IDLE_END_MS * 100);
  expect(serving.idle).not.toHaveBeenCalled();
  expect(later.idle).not.toHaveBeenCalled();
});

test('nothing ticks while somebody holds a lease', () => {
  const { leases: l } = leases('editor');
  l.start();
  l.acquire('editor');
  expect(vi.getTimerCount()).toBe(0);
});

test('a release counts once', () => {
  const { leases: l } = leases('editor');
  const release = l.acquire('editor');
  l.acquire('editor');
  release();
  release();
  expect(l.count('editor')).toBe(1);
});
