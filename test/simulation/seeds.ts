/** Seeds of a world as tests: each plan must keep every rule of the checker. */
import { expect, it } from 'vitest';
import { runPlan } from './box/run.js';
import { boundsOf } from './checker/bounds-of.js';
import { check } from './checker/check.js';
import { makePlan } from './plan/make-plan.js';
import type { WorldName } from './plan/plan.js';

const IN_A_TEST = 100;
const TIMEOUT_MS = 120_000;

/** Adds tests for the seeds from 1 to `count`. */
export function itKeepsEveryRule(world: WorldName, count: number): void {
  const pieces = Array.from({ length: count / IN_A_TEST }, (_, i) => [i * IN_A_TEST + 1, (i + 1) * IN_A_TEST] as const);
  it.each(pieces)('keeps every rule (seeds %i to %i)', { timeout: TIMEOUT_MS }, async (from, to) => {
    for (let seed = from; seed <= to; seed++) {
      const plan = makePlan(world, seed);
      const broken = check(await runPlan(plan), boundsOf(plan)).map(
        ({ rule, at, message }) => `${at} ms: ${rule}: ${message}`,
      );
      expect(broken, `npm run sim -- --world ${world} --seeds 1 --seed ${seed} --trace`).toEqual([]);
    }
  });
}
