/** The engine as clients use it, counting what it answers: learning stands still meanwhile. */
import type { GenerateEvent } from '#protocol/generation.ts';
import type { HostEngine } from './hostEngine.ts';

type Answering = Pick<HostEngine, 'generate' | 'call'>;

/** `onCount` is called before a request reaches the engine, and after its last event. */
export function countedEngine<E extends HostEngine>(engine: E, onCount: (requests: number) => void): E {
  let count = 0;
  const change = (by: number): void => {
    count += by;
    onCount(count);
  };
  const own: Answering = {
    generate(request, signal) {
      return counted(() => engine.generate(request, signal), change);
    },
    async call(method, params, signal) {
      if (method !== 'embed') return engine.call(method, params, signal);
      change(1);
      try {
        return await engine.call(method, params, signal);
      } finally {
        change(-1);
      }
    },
  };
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === 'generate' || name === 'call') return own[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Begins when it is first read, as a generator does, which would cost more for each event. `onChange`: 1 then, -1 after the end. */
function counted(
  begin: () => AsyncIterable<GenerateEvent>,
  onChange: (by: 1 | -1) => void,
): AsyncIterableIterator<GenerateEvent> {
  let events: AsyncIterator<GenerateEvent> | undefined;
  let open = false;
  const end = (): void => {
    if (open) onChange(-1);
    open = false;
  };
  const seen = (result: IteratorResult<GenerateEvent>): IteratorResult<GenerateEvent> => {
    if (result.done === true) end();
    return result;
  };
  const failed = (error: unknown): never => {
    end();
    throw error;
  };
  return {
    next() {
      if (events === undefined) {
        open = true;
        onChange(1);
        events = begin()[Symbol.asyncIterator]();
      }
      return events.next().then(seen, failed);
    },
    async return() {
      // Who leaves before the beginning leaves nothing behind.
      events ??= { next: () => Promise.resolve(NOTHING) };
      end();
      return (await events.return?.()) ?? NOTHING;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const NOTHING: IteratorResult<GenerateEvent> = { done: true, value: undefined };
