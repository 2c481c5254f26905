/** The limits that follow from the two intervals of a pod. */
import { expect, it } from 'vitest';
import { fenceAfterMs, heardWithinMs, marginMs, resendAfterMs } from '../../src/fleet/heartbeat-limits.js';

it.each([
  // Heartbeat, dead-after: margin, fence after, resend after, heard within.
  ['of SQLite', [2_000, 15_000], [3_750, 11_250, 3_750, 7_750]],
  ['of Snowflake', [30_000, 180_000], [45_000, 135_000, 45_000, 105_000]],
  ['whose margin is what two heartbeats leave', [5_000, 15_000], [2_500, 12_500, 12_500 / 3, 12_500 / 3 + 10_000]],
  ['in which nobody is heard before the dead-after', [2_000, 5_000], [500, 4_500, 1_500, 5_000]],
] as const)('with intervals %s', (_, intervals, expected) => {
  expect([marginMs, fenceAfterMs, resendAfterMs, heardWithinMs].map((of) => of(intervals[0], intervals[1]))).toEqual(
    expected,
  );
});
