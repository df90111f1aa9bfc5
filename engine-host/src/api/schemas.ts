/** Pieces of the request schemas. All objects are open: fields that we do not know pass. `null` means absent everywhere. */
import { Type, type Static, type TSchema } from 'typebox';

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

/** A content: text, or typed parts. */
export const Content = Type.Union([
  Type.String(),
  Type.Array(Type.Union([Type.String(), Type.Object({ type: Type.String() })])),
  Type.Null(),
]);
export type Content = Static<typeof Content>;
