/** Pieces of the request schemas. All objects are open: fields that we do not know pass. `null` means absent everywhere. */
import { Type, type Static, type TSchema } from 'typebox';
import type { AdapterScale } from '#protocol/generation.ts';

export const optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
export const number = (minimum?: number, maximum?: number) =>
  optional(
    Type.Number({ ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) }),
  );
export const integer = (minimum?: number, maximum?: number) =>
  optional(
    Type.Integer({ ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) }),
  );
export const text = () => optional(Type.String());
export const flag = () => optional(Type.Boolean());
export const anything = () => Type.Optional(Type.Unknown());
export const record = () => optional(Type.Record(Type.String(), Type.Unknown()));
export const stop = () => optional(Type.Union([Type.String(), Type.Array(Type.String())]));

/** llama.cpp's `lora`: which adapters answer, and how much each counts. An empty list means nothing, as there. */
export const AdapterScales = Type.Array(Type.Object({ id: Type.Integer({ minimum: 0 }), scale: Type.Number() }), {
  maxItems: 64,
});
export const lora = () => optional(AdapterScales);

/** The `adapters` of a generation. */
export function adaptersOf(value: Static<typeof AdapterScales> | null | undefined): { adapters?: AdapterScale[] } {
  if (value === undefined || value === null || value.length === 0) return {};
  return { adapters: value.map(({ id, scale }) => ({ id, scale })) };
}

/** llama.cpp's most drafted tokens; 0: none. A negative number, as none at all, leaves it to the engine. */
export const DraftLimit = { 'speculative.n_max': number() };

/** The `draftTokens` of a generation. */
export function draftLimit(value: number | null | undefined): { draftTokens?: number } {
  return value === undefined || value === null || value < 0 ? {} : { draftTokens: Math.trunc(value) };
}

/** A content: text, or typed parts. */
export const Content = Type.Union([
  Type.String(),
  Type.Array(Type.Union([Type.String(), Type.Object({ type: Type.String() })])),
  Type.Null(),
]);
export type Content = Static<typeof Content>;
