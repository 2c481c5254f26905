import { describe, expect, test } from 'vitest';
import { planOf, type Plan } from './plan.js';
import { TIMING } from './settings.js';

const SECONDS = 20;
const plan = (seed: number, seconds = SECONDS): Plan => planOf({ seed, seconds, pods: 3 + (seed % 6), submitters: 3 });

test('is the same for the same seed, and different for another', () => {
  expect(plan(7)).toEqual(plan(7));
  expect(plan(8)).not.toEqual(plan(7));
  expect(plan(13, 60).faults.get('pod-0')!.slice(0, 2)).toEqual(plan(13).faults.get('pod-0')!.slice(0, 2));
});

describe('each plan of 200 seeds', () => {
  const plans = Array.from({ length: 200 }, (_, seed) => plan(seed));

  test('kills every pod, and freezes it for longer than dead-after', () => {
    for (const { faults } of plans)
      for (const [slot, list] of faults) {
        if (!slot.startsWith('pod')) continue;
        expect(list.some(({ kind }) => kind === 'kill')).toBe(true);
        expect(list.some(({ kind, lastsMs }) => kind === 'freeze' && lastsMs > TIMING.deadAfterMs)).toBe(true);
      }
  });

  test('locks the file once for longer than dead-after, and never for longer than 5 s', () => {
    for (const { locks } of plans) {
      expect(locks.some(({ lastsMs }) => lastsMs > TIMING.deadAfterMs)).toBe(true);
      for (const { lastsMs } of locks) expect(lastsMs).toBeLessThanOrEqual(5_000);
    }
  });

  test('ends each fault before the next begins, and all before the end', () => {
    for (const { faults, locks } of plans)
      for (const list of [...faults.values(), locks])
        for (const [i, { atMs, lastsMs }] of list.entries())
          expect(atMs + lastsMs).toBeLessThanOrEqual(list[i + 1]?.atMs ?? SECONDS * 1_000);
  });
});
