/** `zell info MODEL`: what the file says about itself, and whether it fits. */
import type { ModelSummary } from '#protocol/model.ts';
import { speedText } from '../../profile/sizes.ts';
import type { JsonOption } from '../jsonOption.ts';
import { modelPath, withHost } from '../session.ts';
import { formatBytes, print, printJson } from '../terminal.ts';

export async function info(argument: string | undefined, options: JsonOption, signal: AbortSignal): Promise<void> {
  const name = await modelPath(argument);
  await withHost(async (session) => {
    const params = name === undefined ? {} : { name };
    const { model } = await session.request('zell/models/profile', params, signal);
    // A damaged profile is no reason not to say what the file says.
    const known = await session.request('zell/profile/get', params, signal).catch(() => ({ answer: null }));
    const prediction = known.answer?.stale.length === 0 ? known.answer.profile.prediction : undefined;
    if (options.json === true) {
      printJson({
        name: model.name,
        path: model.path,
        architecture: model.architecture,
        parameters: model.parameters,
        quantization: model.quantization,
        contextLength: model.contextLength,
        embeddingLength: model.embeddingLength,
        layers: model.layers,
        vocabularySize: model.vocabularySize,
        tokenizer: model.tokenizer,
        fillInTheMiddle: model.special.fim !== undefined,
        templateHash: model.templateHash ?? null,
        modelHash: model.modelHash,
        bytes: model.bytes,
        fit: model.fit,
        tokensPerSecond: prediction?.tokensPerSecond ?? null,
      });
      return;
    }
    const { fit } = model;
    const rows: readonly (readonly [string, string])[] = [
      ['Model', model.name],
      ['File', model.path],
      ['Architecture', `${model.architecture}, ${model.layers} layers, width ${model.embeddingLength}`],
      ['Parameters', `${(model.parameters / 1e6).toFixed(0)} million, ${model.quantization}`],
      ['Size', formatBytes(model.bytes)],
      ['Context', `${model.contextLength} tokens`],
      ['Tokenizer', `${model.tokenizer.model} (${model.tokenizer.pre}), ${model.vocabularySize} tokens`],
      ['Fill in the middle', model.special.fim === undefined ? 'no' : 'yes'],
      ['Chat template', model.templateHash ?? 'none'],
      ['Hash', model.modelHash],
      ['Fit', fitText(fit)],
      [
        'Speed',
        prediction === undefined
          ? 'not known; "zell build" measures'
          : `about ${speedText(prediction.tokensPerSecond)}`,
      ],
    ];
    for (const [label, value] of rows) print(`${label.padEnd(20)}${value}`);
  }, signal);
}

/** Whether a model fits into memory, streams its experts or layers from the disk, or is refused; with the numbers. */
export function fitText({ fits, streaming, neededBytes, availableBytes }: ModelSummary['fit']): string {
  const available = `${formatBytes(availableBytes)} available`;
  if (!fits) return `refused: needs ${formatBytes(neededBytes)}, ${available}`;
  if (streaming === undefined) return `fits: needs ${formatBytes(neededBytes)}, ${available}`;
  const { strategy, residentBytes, cacheBytes, expertsInMemory, experts, streamedBytes } = streaming;
  const least = `at least ${formatBytes(neededBytes)} in all`;
  if (streamedBytes !== undefined) {
    const layers = strategy === 'hybrid' ? 'some layers' : 'layers';
    return (
      `streams ${layers} from the disk: ${formatBytes(residentBytes)} always in memory, ${formatBytes(streamedBytes)} read for ` +
      `each step through ${formatBytes(cacheBytes)} (${least}), ${available}`
    );
  }
  const how = strategy === 'hybrid' ? 'streams some experts from the disk' : 'streams experts from the disk';
  return (
    `${how}: ${formatBytes(residentBytes)} always in memory, ${formatBytes(cacheBytes)} for ${expertsInMemory} of ` +
    `${experts} experts (${least}), ${available}`
  );
}
