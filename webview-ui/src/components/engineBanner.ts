/** A line about the engine while it is not ready, with what can be done. */
import type { HostStatus } from '#protocol/editor.ts';
import { button, element } from './dom.ts';

export interface BannerActions {
  restart(): void;
  showLog(): void;
}

export class EngineBanner {
  readonly root = element('div', { id: 'banner', attributes: { role: 'status' } });
  readonly #actions: BannerActions;

  constructor(actions: BannerActions) {
    this.#actions = actions;
    this.root.hidden = true;
  }

  /** Undefined: this window has no connection to an engine. */
  show(status: HostStatus | undefined): void {
    const text = bannerText(status);
    this.root.hidden = text === undefined;
    this.root.dataset['state'] = status?.state ?? 'absent';
    this.root.replaceChildren();
    if (text === undefined) return;
    this.root.append(element('span', {}, text));
    if (status?.state === 'crashed')
      this.root.append(
        button('Restart Engine', () => {
          this.#actions.restart();
        }),
        button('Show Log', () => {
          this.#actions.showLog();
        }),
      );
  }
}

function bannerText(status: HostStatus | undefined): string | undefined {
  if (!status) return 'Waiting for the engine…';
  switch (status.state) {
    case 'ready':
    case 'learning':
      return undefined;
    case 'starting':
    case 'loading':
      return status.progress === undefined ? status.detail : `${status.detail} ${Math.round(status.progress * 100)} %`;
    case 'crashed':
      return status.error?.message ?? status.detail;
  }
}
