/** `zell quantize IN OUT TYPE`: in an engine process of its own, so that neither a chat nor a crash meets the other. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import type { QuantizeReport } from '#protocol/engine.ts';
import { withEngine } from '../../host/separateEngine.ts';
import type { QuantizeCommandOptions } from '../program.ts';
import { withoutRemains } from '../remains.ts';
import { modelPath } from '../session.ts';
import { formatBytes, note, print, printJson, ProgressLine } from '../terminal.ts';

export async function quantize(
  input: string,
  output: string,
  type: string,
  options: QuantizeCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const source = await modelPath(input);
  const target = path.resolve(output);
  if (existsSync(target) && options.force !== true)
    throw new ZellError('invalid_request', `${target} exists already; --force replaces it.`);
  const { size: bytes } = statSync(source);
  const line = new ProgressLine();
  await withoutRemains(target, line, async () => {
    const report = await withEngine((engine) =>
      engine.call(
        'quantize',
        {
          input: source,
          output: target,
          options: {
            type,
            ...(options.importance === undefined ? {} : { importance: path.resolve(options.importance) }),
            ...(options.threads === undefined ? {} : { threads: options.threads }),
          },
        },
        signal,
        (fraction) => line.show(`Quantising to ${type}`, fraction * bytes, bytes),
      ),
    );
    line.end();
    if (options.json === true) printJson({ input: source, output: target, ...report });
    else show(target, report, options.importance !== undefined);
  });
}

function show(target: string, report: QuantizeReport, weighted: boolean): void {
  for (const { name, tensors, bytes } of report.types)
    print(`${name.padEnd(8)}${`${tensors} tensors`.padStart(14)}${formatBytes(bytes).padStart(12)}`);
  const bits = ((report.bytesAfter * 8) / report.weights).toFixed(2);
  print(
    `${formatBytes(report.bytesBefore)} became ${formatBytes(report.bytesAfter)}, ${bits} bits per weight: ${target}`,
  );
  if (report.fellBack > 0)
    note(`${report.fellBack} tensors have rows that do not fit this type; they got the nearest one.`);
  if (weighted && report.withoutImportance > 0)
    note(`${report.withoutImportance} tensors are not in the importance matrix and were quantised without it.`);
  if (report.fromQuantised) note('The input was quantised already. From F16, BF16 or F32 the result would be better.');
}
