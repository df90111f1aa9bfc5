/** The four API families that we speak, and which one a request speaks. */
export type Dialect = 'openai' | 'anthropic' | 'ollama' | 'llamacpp';

/** Judged by path alone, so that it also works for requests that match no route. */
export function dialectOf(url: string, headers: Readonly<Record<string, unknown>>): Dialect {
  const path = url.split('?')[0] ?? '';
  if (path.startsWith('/v1/messages')) return 'anthropic';
  if (/^(\/v1)?\/models(\/|$)/.test(path) && headers['anthropic-version'] !== undefined) return 'anthropic';
  if (path === '/' || path.startsWith('/api/')) return 'ollama';
  if (path === '/v1/health') return 'llamacpp';
  if (path.startsWith('/v1/') || path === '/chat/completions' || /^\/(models|responses)(\/|$)/.test(path))
    return 'openai';
  return 'llamacpp';
}
