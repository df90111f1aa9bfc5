/** What a model that was made from another one adds to its weights. */

export interface RecipeMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

export interface Recipe {
  /** For conversations that bring no system message. */
  readonly system?: string;
  /** A Jinja chat template in place of the file's own. */
  readonly template?: string;
  /** Ollama's options, for requests that do not set them. */
  readonly parameters?: Readonly<Record<string, number | string | boolean | readonly string[]>>;
  /** In front of each conversation, after the system message. */
  readonly messages?: readonly RecipeMessage[];
  readonly license?: readonly string[];
  /** SHA-256 of LoRA adapters among the blobs; they answer, and no others. */
  readonly adapters?: readonly string[];
}

/** The recipe with everything that `more` says instead. */
export function extended(base: Recipe | undefined, more: Recipe): Recipe {
  return { ...base, ...more, ...(more.parameters && { parameters: { ...base?.parameters, ...more.parameters } }) };
}

export function isRecipe(value: unknown): value is Recipe {
  if (typeof value !== 'object' || value === null) return false;
  const { system, template, parameters, messages, license, adapters } = value as Record<string, unknown>;
  const maybe = (v: unknown, fine: (v: unknown) => boolean): boolean => v === undefined || fine(v);
  const isText = (v: unknown): v is string => typeof v === 'string';
  const texts = (v: unknown): boolean => Array.isArray(v) && v.every(isText);
  return (
    maybe(system, isText) &&
    maybe(template, isText) &&
    maybe(license, texts) &&
    maybe(adapters, (v) => Array.isArray(v) && v.every(isSha256)) &&
    maybe(messages, (v) => Array.isArray(v) && v.every(isMessage)) &&
    maybe(
      parameters,
      (v) =>
        typeof v === 'object' &&
        v !== null &&
        !Array.isArray(v) &&
        Object.values(v).every((p) => ['number', 'string', 'boolean'].includes(typeof p) || texts(p)),
    )
  );
}

/** Lower-case hex. */
export function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isMessage(value: unknown): boolean {
  const { role, content } = (value ?? {}) as { role?: unknown; content?: unknown };
  return typeof content === 'string' && ['system', 'user', 'assistant', 'tool'].includes(role as string);
}
