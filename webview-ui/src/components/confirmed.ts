/** A button for what cannot be undone: the first press asks, the second one does it. */
import { button, type Properties } from './dom.ts';

/** How long it waits for its second press. */
const CONFIRM_MS = 4000;

/** `description`: for screen readers, what is pressed about. */
export function confirmed(
  label: string,
  question: string,
  description: string,
  act: () => void,
  properties: Properties = {},
): HTMLButtonElement {
  let armed: ReturnType<typeof setTimeout> | undefined;
  const made = button(
    label,
    () => {
      if (armed !== undefined) {
        clearTimeout(armed);
        made.disabled = true;
        act();
        return;
      }
      made.textContent = question;
      made.classList.add('armed');
      made.setAttribute('aria-label', `Really? ${description}`);
      armed = setTimeout(() => {
        armed = undefined;
        made.textContent = label;
        made.classList.remove('armed');
        made.setAttribute('aria-label', description);
      }, CONFIRM_MS);
    },
    { class: 'forget', ...properties, attributes: { 'aria-label': description, ...properties.attributes } },
  );
  return made;
}
