/** What a model needs and whether this machine can give it, as a page to read. */
import type { ModelSummary } from '#protocol/model.ts';
import type { ProfileAnswer } from '#protocol/profile.ts';

/** The page of a model: what its profile says, then the file; without a profile the file alone, and how to get one. */
export function profilePage(model: ModelSummary, answer: ProfileAnswer | null): string {
  if (answer === null)
    return `${fitReport(model)}\nNot measured yet: the command "Zell: Build Model Profile" finds the best way to run it, and its speed.\n`;
  return `${answer.text}\n## File\n\n${fitReport(model).split('\n').slice(2).join('\n')}`;
}

export function fitReport(model: ModelSummary): string {
  const { fit } = model;
  const verdict = !fit.fits
    ? 'It does not fit into the memory that is available now.'
    : fit.streaming === undefined
      ? 'It fits into the memory of this machine.'
      : `It is larger than memory: ${streamed(fit.streaming)}`;
  const rows: [string, string][] = [
    ['File', code(model.path)],
    ['Architecture', `${model.architecture}, ${model.layers} layers, width ${model.embeddingLength}`],
    ['Parameters', millions(model.parameters)],
    ['Quantisation', model.quantization],
    ['Context', `${model.contextLength} tokens`],
    ['Tokenizer', `${model.tokenizer.model} / ${model.tokenizer.pre}, ${model.vocabularySize} tokens`],
    ['Fill in the middle', model.special.fim ? 'yes' : 'no: completions continue the text before the cursor'],
    ['Size on disk', mebibytes(model.bytes)],
    ...(fit.streaming === undefined ? [] : ([streamedRow(fit.streaming)] satisfies [string, string][])),
    [fit.streaming === undefined ? 'Memory needed' : 'Memory needed at least', mebibytes(fit.neededBytes)],
    ['Memory available', mebibytes(fit.availableBytes)],
    ['Model hash', code(model.modelHash)],
  ];
  const table = rows.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|')} |`);
  return [`# ${model.name}`, '', verdict, '', '| | |', '|---|---|', ...table, ''].join('\n');
}

type Streaming = NonNullable<ModelSummary['fit']['streaming']>;

function streamed({ streamedBytes, expertsInMemory, experts }: Streaming): string {
  return streamedBytes === undefined
    ? `${expertsInMemory} of its ${experts} experts are kept there, the others come from the disk.`
    : `${mebibytes(streamedBytes)} of its layers come from the disk for each step.`;
}

function streamedRow({ streamedBytes, residentBytes, cacheBytes }: Streaming): [string, string] {
  return streamedBytes === undefined
    ? ['Memory for experts', mebibytes(cacheBytes)]
    : ['Kept in memory', mebibytes(residentBytes)];
}

export function mebibytes(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib >= 1024 ? `${(mib / 1024).toFixed(1)} GiB` : `${Math.round(mib)} MiB`;
}

function millions(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} billion` : `${Math.round(count / 1e6)} million`;
}

/** A name from a file, as inline code that it cannot break out of. */
function code(text: string): string {
  return `\`${text.replaceAll(/[`\r\n]/g, ' ')}\``;
}
