/** One memory: its sentence, where it comes from, and the means to correct or forget it. */
import type { Card, MemoryEvent } from '#protocol/memory.ts';
import { whenWords } from '../state/times.ts';
import { confirmed } from './confirmed.ts';
import { button, element } from './dom.ts';

export interface CardActions {
  sources(id: string): Promise<readonly MemoryEvent[] | undefined>;
  /** Resolves to false when it was refused; the reason is shown elsewhere. */
  edit(id: string, statement: string, value: string): Promise<boolean>;
  forget(id: string): void;
  openConversation(conversation: string): void;
}

const KINDS: Readonly<Record<Card['kind'], string>> = {
  fact: 'Fact',
  preference: 'Preference',
  decision: 'Decision',
  correction: 'Correction',
  style: 'Style',
};

/** `learned`: the adapter in force was taught it. Undefined: nobody knows, as no adapter is there. */
export function cardView(card: Card, learned: boolean, actions: CardActions): HTMLElement {
  const item = element('li', { class: 'card', attributes: { 'data-card': card.id, tabindex: '-1' } });
  showCard(item, card, learned, actions);
  return item;
}

function showCard(item: HTMLElement, card: Card, learned: boolean, actions: CardActions): void {
  const source = element('div', { class: 'source' });
  source.hidden = true;
  const toggle = button('Source', () => void showSource(toggle, source, card, actions), {
    class: 'quiet',
    attributes: {
      'aria-expanded': 'false',
      'aria-label': `Where this comes from: ${card.statement}`,
      'data-act': 'source',
    },
  });
  const edit = button(
    'Edit',
    () => {
      item.replaceChildren(editForm(item, card, learned, actions));
      item.querySelector('input')?.focus();
    },
    { class: 'quiet', attributes: { 'aria-label': `Edit: ${card.statement}`, 'data-act': 'edit' } },
  );
  const forget = confirmed(
    'Forget',
    'Really forget?',
    `Forget: ${card.statement}`,
    () => {
      actions.forget(card.id);
    },
    {
      class: 'quiet forget',
      attributes: { 'data-act': 'forget', title: 'Erases this memory and the exchanges that it comes from' },
    },
  );
  item.replaceChildren(
    element('p', { class: 'statement' }, card.statement),
    element(
      'p',
      { class: 'meta' },
      element('span', { class: 'kind' }, KINDS[card.kind]),
      whenWords(card.validFrom, Date.now()),
      ...(card.by === 'user' ? [' · in your words'] : []),
      ...(card.scope === 'workspace' ? [' · this workspace'] : []),
      element(
        'span',
        {
          class: learned ? 'state learned' : 'state',
          attributes: {
            title: learned
              ? 'The adapter that answers was taught this'
              : 'Found by search until the next sleep has taught it',
          },
        },
        learned ? 'learned' : 'not learned yet',
      ),
    ),
    element('div', { class: 'actions' }, toggle, edit, forget),
    source,
  );
}

async function showSource(toggle: HTMLElement, source: HTMLElement, card: Card, actions: CardActions): Promise<void> {
  source.hidden = !source.hidden;
  toggle.setAttribute('aria-expanded', String(!source.hidden));
  if (source.hidden) return;
  const events = await actions.sources(card.id);
  if (events === undefined) return;
  const { conversation } = card;
  source.replaceChildren(
    ...(events.length === 0
      ? [element('p', { class: 'empty' }, 'It was written by hand, or what was said is no longer kept.')]
      : []),
    ...events.map((event) =>
      element(
        'figure',
        {},
        element('blockquote', {}, event.prompt.trim()),
        element(
          'figcaption',
          {},
          `You, ${whenWords(event.timestamp, Date.now())}, ${event.origin?.client ?? event.origin?.kind ?? 'chat'}`,
        ),
      ),
    ),
    ...(conversation === undefined || events.length === 0
      ? []
      : [
          button(
            'Open Conversation',
            () => {
              actions.openConversation(conversation);
            },
            { class: 'quiet' },
          ),
        ]),
  );
}

function editForm(item: HTMLElement, card: Card, learned: boolean, actions: CardActions): HTMLElement {
  const statement = element('input', {
    attributes: { type: 'text', 'aria-label': 'What to remember', maxlength: '400' },
  });
  const value = element('input', {
    attributes: { type: 'text', 'aria-label': 'What an answer must contain', maxlength: '400' },
  });
  statement.value = card.statement;
  value.value = card.value;
  const close = (): void => {
    showCard(item, card, learned, actions);
    item.querySelector<HTMLElement>('[data-act=edit]')?.focus();
  };
  const save = async (): Promise<void> => {
    if (await actions.edit(card.id, statement.value.trim(), value.value.trim())) item.classList.add('saved');
    else statement.focus();
  };
  const form = element(
    'form',
    { class: 'edit' },
    element('label', {}, 'Memory', statement),
    element('label', {}, 'An answer must contain', value),
    element(
      'div',
      { class: 'buttons' },
      element('button', { class: 'primary', attributes: { type: 'submit' } }, 'Save'),
      button('Cancel', close),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void save();
  });
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    close();
  });
  return form;
}
