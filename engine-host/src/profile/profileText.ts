/** A profile for a person: Markdown that reads well as it is, in a terminal and as a page. */
import type { Measured, PlanPart, Profile } from '#protocol/profile.ts';
import { bytesText, percentText, rateText, speedText } from './sizes.ts';

const BAR = 50;
const FILLS = ['█', '▓', '▒', '░'] as const;

export function profileText(profile: Profile, stale: readonly string[]): string {
  const { model, machine, strategy, choices } = profile;
  return [
    `# ${model.name}`,
    '',
    ...(stale.length === 0 ? [] : [`**Out of date**: ${stale.join('; ')}. \`zell build\` makes it anew.`, '']),
    `${headline(profile)} Measured on ${new Date(profile.builtAt).toISOString().slice(0, 10)}.`,
    '',
    '## Speed',
    '',
    ...speedLines(profile),
    '',
    `## Memory: ${bytesText(machine.availableBytes)} available of ${bytesText(machine.totalBytes)}`,
    '',
    ...(strategy === 'refused' ? ['It would not fit.'] : barLines(profile.plan)),
    '',
    '## Decisions',
    '',
    ...choices.map(({ what, value, reason }) => `- **${what}: ${value}.** ${reason}`),
    '',
    '## Measured',
    '',
    ...measuredLines(profile),
    '',
  ].join('\n');
}

function headline({ strategy, model, prediction }: Profile): string {
  const size = bytesText(model.bytes);
  const speed = prediction === undefined ? '' : ` Expect ${speedText(prediction.tokensPerSecond)}.`;
  switch (strategy) {
    case 'memory':
      return `${size}, all of it in memory.${speed}`;
    case 'hybrid':
      return `${size}, most of it in memory, some experts from the disk.${speed}`;
    case 'experts':
      return `${size}, larger than memory: experts come from the disk.${speed}`;
    case 'dense':
      return `${size}, larger than memory: its last layers come from the disk.${speed}`;
    case 'refused':
      return `${size}: too large for this machine.`;
  }
}

function speedLines({ prediction, correction, measured }: Profile): string[] {
  if (prediction === undefined) return ['None: it cannot be loaded.'];
  const { formula, diskSeconds, memorySeconds, hitRate } = prediction;
  const bound = diskSeconds > memorySeconds ? 'the disk' : 'memory and processor';
  const last = measured.at(-1);
  return [
    `- Expected: ${speedText(prediction.tokensPerSecond)} for answers, ${speedText(prediction.promptTokensPerSecond)} for prompts.`,
    `- Held up by ${bound}: ${ms(diskSeconds)} of reads and ${ms(memorySeconds)} of weights in memory for each token` +
      (hitRate === undefined ? '.' : `, ${percentText(hitRate)} of the experts found in memory.`),
    ...(last === undefined
      ? ['- Not measured yet.']
      : [
          `- Measured last: ${speedText(last.tokensPerSecond)} over ${last.tokens} tokens, ${last.by === 'build' ? 'while this was made' : 'in use'}` +
            ` (expected ÷ measured ${(prediction.tokensPerSecond / Math.max(1e-9, last.tokensPerSecond)).toFixed(2)}).`,
          `- The formulas alone say ${speedText(formula.tokensPerSecond)} and ${speedText(formula.promptTokensPerSecond)}; ` +
            `${correction.count === 1 ? 'one measurement corrects' : `${correction.count} measurements correct`} them by ` +
            `${correction.answers.toFixed(2)} and ${correction.prompts.toFixed(2)}.`,
          ...historyLine(measured),
        ]),
  ];
}

function historyLine(measured: readonly Measured[]): string[] {
  if (measured.length < 3) return [];
  return [
    `- Before: ${measured
      .slice(-9, -1)
      .map(({ tokensPerSecond }) => tokensPerSecond.toPrecision(3))
      .join(', ')} tokens/s.`,
  ];
}

/** One bar for the whole plan, then a line for each part. */
export function barLines(plan: readonly PlanPart[]): string[] {
  const total = plan.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= 0) return [];
  const fill = (index: number): string =>
    index === plan.length - 1 && plan[index]?.what === 'left' ? '·' : (FILLS[index] ?? '░');
  let drawn = 0;
  let sum = 0;
  const bar = plan
    .map(({ bytes }, index) => {
      sum += bytes;
      const upTo = Math.round((sum / total) * BAR);
      const cells = upTo - drawn;
      drawn = upTo;
      return fill(index).repeat(cells);
    })
    .join('');
  return [
    `    ${bar}`,
    ...plan.map(
      ({ what, bytes }, index) =>
        `    ${fill(index)} ${bytesText(bytes).padStart(7)}  ${percentText(bytes / total).padStart(5)}  ${what}`,
    ),
  ];
}

function measuredLines({ speed, machine, model, uses }: Profile): string[] {
  const { kernels, disk } = speed;
  const rows = disk.random.map(
    ({ pastCache, readers, bytesPerSecond }) =>
      `    ${rateText(bytesPerSecond).padStart(9)}  ${readers} at once ${pastCache ? 'past the cache' : 'through the cache'}`,
  );
  return [
    `- Processor: ${machine.processor}, ${machine.cores} cores, ${machine.isa}; ${kernels.type} at ${rateText(kernels.decodeBytesPerSecond)} ` +
      `for one token, ${(kernels.prefillOpsPerSecond / 1e9).toFixed(0)} GOPS for many.`,
    `- Model: ${model.architecture}, ${model.quantization}, ${model.layers} layers, ${bytesText(model.tokenBytes)} read for each token` +
      (model.experts === undefined ? '.' : `, ${model.experts.count} experts (${bytesText(model.experts.bytes)}).`),
    ...(uses === undefined || uses.length === 0 ? [] : [favouritesLine(uses)]),
    `- Disk: ${rateText(disk.sequentialBytesPerSecond)} in order; pieces of ${bytesText(disk.pieceBytes)} anywhere:`,
    '',
    ...rows,
  ];
}

/** How uneven the experts are used: what the cache lives on. */
function favouritesLine(uses: NonNullable<Profile['uses']>): string {
  const shares = uses.map(({ experts }) => {
    const sorted = experts.toSorted((a, b) => b - a);
    const top = sorted.slice(0, Math.max(1, Math.round(sorted.length / 4)));
    return sum(top) / Math.max(1, sum(sorted));
  });
  return (
    `- Routing: the favourite quarter of a layer's experts gets ${percentText(sum(shares) / shares.length)} of the tokens ` +
    `(${percentText(0.25)} if all were alike); favourites are read first.`
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function ms(seconds: number): string {
  return seconds === 0 ? 'no time' : seconds >= 1 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toPrecision(2)} ms`;
}
