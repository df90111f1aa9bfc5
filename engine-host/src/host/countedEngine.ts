/** The engine as clients use it, counting what it answers: learning stands still meanwhile. */
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
    async *generate(request, signal) {
      change(1);
      try {
        yield* engine.generate(request, signal);
      } finally {
        change(-1);
      }
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
