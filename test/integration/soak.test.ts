// A short soak: every kind of request, cancels and wrong ones among them; nothing lost, nothing stuck. The long one is `npm run soak`.
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { removeHome } from '../../scripts/bench/serverProcess.ts';
import { samplingUnavailable } from '../../scripts/soak/samples.ts';
import { soak } from '../../scripts/soak/soak.ts';
import { defaultModel } from '../helpers/defaultModel.ts';

test.skipIf(samplingUnavailable() !== undefined)('300 mixed requests', async () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-soak-'));
  onTestFinished(() => removeHome(home));
  const report = await soak({
    model: await defaultModel(),
    home,
    requests: 300,
    seed: 7,
    threads: 0,
    say: () => undefined,
  });
  expect(report.failures).toEqual([]);
  expect(report.events.expected).toBeGreaterThan(80);
  expect(report.events.found).toBe(report.events.expected);
  expect(Object.keys(report.outcomes).length).toBeGreaterThan(20);
});
