/** Makes elements: text is text, never HTML. */

type Listener = (event: Event) => void;

export interface Properties {
  readonly id?: string;
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, Listener>>;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { id, class: className, attributes, on }: Properties = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (id !== undefined) made.id = id;
  if (className !== undefined) made.className = className;
  for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
  for (const [type, listener] of Object.entries(on ?? {})) made.addEventListener(type, listener);
  made.append(...children);
  return made;
}

/** A button that never submits a form. */
export function button(label: string, press: () => void, properties: Properties = {}): HTMLButtonElement {
  return element(
    'button',
    {
      ...properties,
      attributes: { type: 'button', ...properties.attributes },
      on: { click: press },
    },
    label,
  );
}
