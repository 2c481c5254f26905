/** Which seeds have a plan of a theme. */
import { describe, expect, it } from 'vitest';
import { makePlan } from './make-plan.js';
import { themedPlan } from './themed-plan.js';

const SEEDS = Array.from({ length: 2_000 }, (_, i) => i + 1);

describe.each(['sqlite', 'warehouse'] as const)('themes in the world %s', (world) => {
  const themed = SEEDS.filter((seed) => themedPlan(world, seed) !== undefined);

  it('have a few of the seeds, and leave the others as they are', () => {
    expect(themed.length / SEEDS.length).toBeGreaterThan(0.02);
    expect(themed.length / SEEDS.length).toBeLessThan(0.08);
  });

  it('give a seed the same plan each time, and it is the plan of that seed', () => {
    const seed = themed[0] ?? 0;
    expect(themedPlan(world, seed)).toEqual(themedPlan(world, seed));
    expect(makePlan(world, seed)).toEqual(themedPlan(world, seed));
  });

  it('are over when the calm begins, and have their actions in order', () => {
    for (const seed of themed) {
      const { actions, calmAt } = makePlan(world, seed);
      expect(actions.map(({ at }) => at)).toEqual(actions.map(({ at }) => at).toSorted((a, b) => a - b));
      for (const action of actions) expect(action.at + ('forMs' in action ? action.forMs : 0)).toBeLessThan(calmAt);
    }
  });
});
