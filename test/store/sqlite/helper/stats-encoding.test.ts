/** Counts from the helper thread: encoded for the port, and decoded in slices. */
import { expect, it } from 'vitest';
import { StepCounts } from '../../../../src/store/step-counts.js';
import { packedStats, unpackedStats } from '../../../../src/store/sqlite/helper/stats-encoding.js';
import { countingRuntime } from '../../../support/counting-runtime.js';

it('decodes the encoded counts in slices, for any number and any name', async () => {
  const counts = new StepCounts();
  for (const [i, type] of ['__proto__', ...Array.from({ length: 20_000 }, (_, nth) => `type-${nth}`)].entries())
    counts.add([type, 'pending', i - 5, 2, 1, 40]);
  counts.add(['type-7', 'claimed', 0, 3, 0, null]);
  const packed = packedStats(counts);
  for (const value of Object.values(packed)) expect(['string', 'number', 'object']).toContain(typeof value);
  const runtime = countingRuntime();
  const stats = await unpackedStats(runtime, structuredClone(packed));
  expect(runtime.yields).toBeGreaterThan(400);
  expect(stats).toEqual(await counts.stats(countingRuntime()));
  expect(stats.byType['type-7']).toEqual({ pending: 2, claimed: 3, completed: 0, failed: 0, cancelled: 0 });
});
