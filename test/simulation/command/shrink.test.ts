import { expect, test, vi } from 'vitest';
import type { Action, Plan } from '../plan/plan.js';
import { shrink } from './shrink.js';

const POD = { types: ['work'], slots: 2, heartbeatMs: 1_000, deadAfterMs: 5_000 };

function submit(at: number, count: number): Action {
  const behaviour = { does: 'returns', forMs: 10 } as const;
  return { at, do: 'submit', count, type: 'work', priority: 1, delayMs: 10, maxRetries: 1, behaviour };
}

/** Forty actions: a freeze at 7 s and a double at 31 s among submissions. */
const PLAN: Plan = {
  ...{ seed: 1, world: 'sqlite', pods: [POD, { ...POD, slots: 5 }, POD], calmAt: 100_000 },
  hazards: {
    ...{ latencyMs: 20, lostReply: 0.1, failure: 0.1, lateApplication: 0, duplicate: 0, lateReadMs: 0 },
    ...{ oldSources: true, tokenLateMs: 0, suspendAfterMs: 0 },
  },
  actions: Array.from({ length: 40 }, (_, second): Action => {
    const at = 1_000 * second;
    if (second === 7) return { at, do: 'freeze', pod: 1, forMs: 64_000, monotonic: 'runs' };
    return second === 31 ? { at, do: 'double', pod: 2 } : submit(at, 20);
  }),
};

const has = (plan: Plan, verb: Action['do']): boolean => plan.actions.some((action) => action.do === verb);

test('leaves out every action, pod and hazard that a failure does not need', async () => {
  const { plan, tries } = await shrink(
    PLAN,
    async (one) =>
      has(one, 'freeze') &&
      has(one, 'double') &&
      one.pods.some(({ slots }) => slots === 5) &&
      one.hazards.lostReply > 0,
  );
  expect(plan.actions).toEqual([
    { at: 7_000, do: 'freeze', pod: 1, forMs: 1_000, monotonic: 'runs' },
    { at: 31_000, do: 'double', pod: 2 },
  ]);
  expect(plan.pods.map(({ slots }) => slots)).toEqual([5]);
  expect(plan.hazards).toEqual({ ...PLAN.hazards, latencyMs: 0, failure: 0, oldSources: false });
  expect(plan.calmAt).toBeLessThan(33_000);
  expect(tries).toBeLessThan(200);
});

test('makes an action smaller that the failure needs', async () => {
  const enough = (action: Action): boolean => action.do === 'submit' && action.count >= 3;
  const { plan } = await shrink(PLAN, async ({ actions }) => actions.some(enough));
  expect(plan.actions).toEqual([{ ...submit(plan.actions[0]!.at, 5), priority: 0, delayMs: 0 }]);
});

test('keeps the plan if nothing can be left out', async () => {
  const { plan } = await shrink(PLAN, async (one) => JSON.stringify(one) === JSON.stringify(PLAN));
  expect(plan).toEqual(PLAN);
});

test('tries no more plans than it may, and what it returns has failed', async () => {
  const breaks = vi.fn(async (plan: Plan) => plan.actions.length >= 15);
  const { plan, tries } = await shrink(PLAN, breaks, 10);
  expect(breaks).toHaveBeenCalledTimes(10);
  expect(tries).toBe(10);
  expect(plan.actions.length).toBeGreaterThanOrEqual(15);
  expect(plan.actions.length).toBeLessThan(40);
});
