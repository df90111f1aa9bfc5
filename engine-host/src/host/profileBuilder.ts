/** `zell build`: a model's profile on the host's parts, one at a time. */
import type { LoadOptions } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ProfileAnswer } from '#protocol/profile.ts';
import type { ModelService } from '../models/modelService.ts';
import type { ModelProfiles } from '../profile/modelProfiles.ts';
import type { HostEngine } from './hostEngine.ts';

export type BuildProfile = (
  name: string | undefined,
  how: { readonly force: boolean; readonly seconds?: number },
  signal: AbortSignal,
) => Promise<ProfileAnswer & { readonly built: boolean }>;

export interface ProfileBuilderParts {
  readonly engine: Pick<HostEngine, 'call'>;
  readonly models: Pick<ModelService, 'current' | 'inspect' | 'load'>;
  readonly profiles: Pick<ModelProfiles, 'build'>;
  readonly options: LoadOptions;
  /** Undefined: nothing is under way any more. */
  readonly onStep: (step: { readonly detail: string; readonly progress: number } | undefined) => void;
}

/** Rejects with `busy` while another one is being built. */
export function profileBuilder({ engine, models, profiles, options, onStep }: ProfileBuilderParts): BuildProfile {
  let isBusy = false;
  return async (name, how, signal) => {
    if (isBusy) throw new ZellError('busy', 'A model profile is being built already.');
    isBusy = true;
    try {
      const model = await models.inspect(name, signal);
      const { path, modelHash } = model;
      return await profiles.build(
        { name: model.name, path },
        {
          modelHash,
          ...how,
          options,
          isLoaded: models.current()?.path === path,
          call: (method, params, own, onProgress) => engine.call(method, params, own, onProgress),
          load: (own) => models.load(path, own),
          onStep: (detail, progress) => onStep({ detail, progress }),
        },
        signal,
      );
    } finally {
      isBusy = false;
      onStep(undefined);
    }
  };
}
