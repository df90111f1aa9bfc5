/** The form that an answer must have. The engine allows only tokens that keep to it; it never answers unconstrained instead. */

/** A text that can be described, as bytes of UTF-8. */
export type Form =
  /** llama.cpp's grammar notation; its rule `root` is the text. */
  | { readonly kind: 'gbnf'; readonly grammar: string }
  /**
   * A JSON value that is valid by the schema (draft 2020-12; `docs/api.md` lists the keywords), without white space around it. `prefix`
   * and `suffix`: literal text around it, such as the marks of a tool call. Names of the model's control tokens in them stand for these
   * tokens.
   */
  | { readonly kind: 'json_schema'; readonly schema: unknown; readonly prefix?: string; readonly suffix?: string }
  /** One of several. */
  | { readonly kind: 'any_of'; readonly forms: readonly Form[] }
  /** Several one after the other: `least` to `most` (absent: any number) times, with `separator` between two of them. */
  | {
      readonly kind: 'list';
      readonly form: Form;
      readonly least: number;
      readonly most?: number;
      readonly separator?: string;
    };

/**
 * The whole answer has this form, and ends where it is complete. With `lazy` the answer is free text until one of these texts was
 * written (control tokens count with their names); what comes after it has the form.
 */
export type Constraint = Form & {
  /** None of them empty. */
  readonly lazy?: readonly string[];
  /** With `lazy`: when the form is complete free text begins again, until the next of the texts. Default: the answer ends. */
  readonly repeat?: boolean;
};
