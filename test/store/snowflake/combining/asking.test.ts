/** Which pods ask for work that they see. */
import { describe, expect, test } from 'vitest';
import { asks, mustLook, type IdlePod } from '../../../../src/store/snowflake/combining/asking.js';

describe('a pod without outcomes', () => {
  test('looks first if its last look is older than 1.5 s', () => {
    expect([null, 0, 1_500, 1_501, 60_000].map(mustLook)).toEqual([true, false, false, true, true]);
  });

  const idle = (over: Partial<IdlePod> = {}): IdlePod => ({
    overdue: 1,
    slots: 10,
    pods: 40,
    lookIntervalMs: 1_500,
    passes: 0,
    ...over,
  });
  /** How many of a thousand evenly spread draws ask. */
  const share = (pod: IdlePod) => Array.from({ length: 1_000 }, (_, i) => asks(pod, i / 1_000)).filter(Boolean).length;

  test('asks for nothing that is not overdue', () => {
    expect(share(idle({ overdue: 0, pods: 1 }))).toBe(0);
  });

  test('asks with a chance that brings half as many pods again as the work needs', () => {
    // 40 pods look every 1.5 s, and a claim shows to others 0.8 s after its look: 21.3 pods look before.
    expect(share(idle())).toBe(71);
    expect(share(idle({ overdue: 30 }))).toBe(211);
    expect(share(idle({ overdue: 10 }))).toBe(71);
    expect(share(idle({ overdue: 11 }))).toBe(141);
    expect(share(idle({ overdue: 1_000 }))).toBe(1_000);
    expect(share(idle({ overdue: 11, slots: 1 }))).toBe(774);
  });

  test('asks the more likely, the more often it has left the work to others, and soon in any case', () => {
    expect([0, 1, 2, 3, 4].map((passes) => share(idle({ passes })))).toEqual([71, 141, 282, 563, 1_000]);
  });

  test('always asks in a small fleet, and if it has no slots of its own', () => {
    expect(share(idle({ pods: 2, lookIntervalMs: 1_000 }))).toBe(1_000);
    expect(share(idle({ slots: 0, overdue: 1_000 }))).toBe(1_000);
  });
});
