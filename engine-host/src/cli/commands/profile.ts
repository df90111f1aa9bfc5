/** `zell profile [MODEL]`: what `zell build` found out about a model, for a person or a program. */
import { ZellError } from '#protocol/errors.ts';
import type { JsonOption } from '../jsonOption.ts';
import { modelPath, withHost } from '../session.ts';
import { print, printJson } from '../terminal.ts';

export async function profile(argument: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  const name = await modelPath(argument);
  await withHost(async (session) => {
    const { answer } = await session.request('zell/profile/get', name === undefined ? {} : { name }, signal);
    if (answer === null)
      throw new ZellError(
        'not_found',
        `There is no profile of this model. "zell build${argument === undefined ? '' : ` ${argument}`}" makes one.`,
      );
    if (options.json === true) printJson({ profile: answer.profile, stale: answer.stale });
    else print(answer.text);
  }, signal);
}
