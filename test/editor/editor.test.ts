/** The packaged extension in a real VS Code workbench with the default model, as a person uses it. The order matters. */
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { ARTIFACTS } from '../helpers/cache.ts';
import { hostUnavailable } from '../helpers/vscodeHost/install.ts';
import { chatJourney } from './journeys/chat.ts';
import { commandJourney } from './journeys/commands.ts';
import { completionJourney } from './journeys/completion.ts';
import { crashJourney } from './journeys/crash.ts';
import { memoryJourney } from './journeys/memory.ts';
import { privacyJourney } from './journeys/privacy.ts';
import { sleepJourney } from './journeys/sleep.ts';
import { startJourney } from './journeys/start.ts';
import { windowsJourney } from './journeys/windows.ts';
import { openStage, type Stage } from './stage.ts';

const unavailable = hostUnavailable();

describe.skipIf(unavailable !== undefined)(
  `the extension in the editor${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    let opened: Stage | undefined;
    const stage = (): Stage => opened!;

    beforeAll(async () => {
      opened = await openStage();
    });
    beforeEach(({ task, onTestFailed }) => {
      onTestFailed(async () => {
        const name = task.name.replace(/\W+/g, '-').slice(0, 60);
        await opened?.window.page.screenshot({ path: path.join(ARTIFACTS, `editor-failed-${name}.png`) });
      });
    });
    afterAll(async () => {
      await opened?.close();
    });

    startJourney(stage);
    completionJourney(stage);
    chatJourney(stage);
    memoryJourney(stage);
    sleepJourney(stage);
    commandJourney(stage);
    crashJourney(stage);
    windowsJourney(stage);
    privacyJourney(stage);
  },
);
