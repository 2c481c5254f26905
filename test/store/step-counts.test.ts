/** Counts of any number of types, built into a report in slices. */
import { expect, it } from 'vitest';
import { queueStats } from '../../src/stats.js';
import type { PodView } from '../../src/store/contract.js';
import { StepCounts } from '../../src/store/step-counts.js';
import { countingRuntime } from '../support/counting-runtime.js';

it('counts 50,000 types and as many priorities, of any name, in slices', async () => {
  const counts = new StepCounts();
  const runtime = countingRuntime();
  const names = ['__proto__', 'constructor', 'toString', ...Array.from({ length: 50_000 }, (_, i) => `type-${i}`)];
  for (const [i, type] of names.entries()) counts.add([type, 'pending', i, 2, 1, i]);
  counts.add(['constructor', 'failed', 0, 7, 0, null]);
  counts.add(['constructor', 'of another program', 0, 9, 9, 1e9]);
  const stats = await counts.stats(runtime);
  expect(runtime.yields).toBeGreaterThan(1_000);
  expect(Object.keys(stats.byType)).toEqual(names);
  expect(Object.getOwnPropertyDescriptor(stats.byType, '__proto__')?.value).toMatchObject({ pending: 2, failed: 0 });
  expect(stats.byType.constructor).toMatchObject({ pending: 2, failed: 7 });
  expect(stats).toMatchObject({ due: 50_003, oldestDueMs: 50_002, byStatus: { pending: 100_006, failed: 7 } });
  expect(Object.keys(stats.pendingByPriority)).toHaveLength(50_003);
  expect(stats.pendingByPriority['50002']).toBe(2);

  const pod = (incarnation: string, types: readonly string[]): PodView => ({
    ...{ pod: { podId: '__proto__', incarnation }, ageMs: 1, silentForMs: 0, beat: '1', heartbeatMs: 1 },
    ...{ deadAfterMs: 1, eligible: true, asleep: false, exited: false, meta: { types, running: 1, slots: 2 } },
  });
  const before = runtime.yields;
  const fleet = { pods: [pod('a', names.slice(1, -1)), pod('b', [])], leader: undefined, seenMsAgo: 0 };
  const report = await queueStats(runtime, stats, fleet, 0);
  expect(runtime.yields - before).toBeGreaterThan(1_000);
  expect(report.unhandledTypes).toEqual(['__proto__', 'type-49999']);
  expect(Object.getOwnPropertyDescriptor(report.podCapacity, '__proto__')?.value).toEqual({ current: 1, max: 2 });
});

it('reports how long the oldest of all due steps has been due', async () => {
  const counts = new StepCounts();
  for (const [type, dueMs] of [
    ['a', 5],
    ['b', 900],
    ['c', 70],
  ] as const)
    counts.add([type, 'pending', 0, 1, 1, dueMs]);
  expect(await counts.stats(countingRuntime())).toMatchObject({ due: 3, oldestDueMs: 900 });
});

it('reports no oldest due step if none is due', async () => {
  const counts = new StepCounts();
  counts.add(['a', 'pending', 0, 1, 0, null]);
  expect(await counts.stats(countingRuntime())).toMatchObject({ due: 0, oldestDueMs: null });
});
