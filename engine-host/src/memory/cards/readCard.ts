/** A card from a file or an event, checked: files are hostile, and a card ends up in prompts. */
import { CARD_FORMS, CARD_KINDS, type Card } from '#protocol/memory.ts';

export const MAX_STATEMENT = 400;
const MAX_SOURCES = 1000;

/** Members that are not known are left out. @returns undefined for anything that is no card */
export function asCard(value: unknown): Card | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const c = value as Partial<Record<keyof Card, unknown>>;
  const { id, subject, statement, value: answer, kind, form, scope, workspace, sources, conversation } = c;
  const { validFrom, supersedes, by } = c;
  if (!isId(id) || !isLine(subject) || !isLine(statement) || !isLine(answer)) return undefined;
  if (!isOneOf(CARD_KINDS, kind) || !isOneOf(CARD_FORMS, form)) return undefined;
  if (!isOneOf(['template', 'model', 'user'] as const, by) || !isOneOf(['workspace', 'global'] as const, scope))
    return undefined;
  if (!Array.isArray(sources) || sources.length > MAX_SOURCES || !sources.every(isEventId)) return undefined;
  if (typeof validFrom !== 'number' || !Number.isSafeInteger(validFrom)) return undefined;
  if (scope === 'workspace' && (typeof workspace !== 'string' || !/^[0-9a-f]{8,64}$/.test(workspace))) return undefined;
  return {
    id,
    subject,
    statement,
    value: answer,
    kind,
    form,
    scope,
    ...(scope === 'workspace' && typeof workspace === 'string' ? { workspace } : {}),
    sources,
    ...(typeof conversation === 'string' && conversation.length <= 64 ? { conversation } : {}),
    validFrom,
    ...(isId(supersedes) ? { supersedes } : {}),
    by,
  };
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function isEventId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** One line without control characters. */
function isLine(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_STATEMENT &&
    !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value)
  );
}

function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return typeof value === 'string' && (words as readonly string[]).includes(value);
}
