/**
 * Plans of pods that handle more types than one exchange walks, with steps of all of them: ready ones, and backlogs that become due at
 * one instant, in many priorities. Some steps kill their pod, so that they are suspects beside the backlogs.
 *
 * For: the turns that types take, and steps that are due and not ready yet.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import type { Random } from './seeded-random.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const WORK_MS = 6_500;
/** Above the priorities of every backlog. */
const URGENT = 500;
/** A backlog of as many types as one exchange promotes in part. */
const FEW_TYPES = 70;

export const manyTypesPlan: Theme = (_, random) => {
  const [first, second] = random.pick([
    [320, 320],
    [320, FEW_TYPES],
    [320, 20],
  ]);
  const pod = (many: number, slots: number): PodPlan => ({
    ...{ types: EVERY_TYPE, slots, heartbeatMs: 500, deadAfterMs: 2_000, many },
  });
  const pods = [pod(first, random.pick([30, 60, 400])), pod(second, random.pick([8, 20]))];
  const hazards = { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) };
  const actions = [...piles(random, first), ...suspects(random), ...others(random)];
  return { pods, hazards, habits: { provesExits: random.chance(0.7) }, actions };
};

function piles(random: Random, types: number): Action[] {
  const pile = (at: number, each: number, given: { readonly types: number; readonly delayMs: number }): Action => ({
    ...{ at, do: 'backlog', each, priorities: random.pick([1, 7, 400]) },
    ...given,
  });
  const actions = [
    pile(random.whole(0, 500), 1, { types, delayMs: 0 }),
    pile(random.whole(1_500, 2_500), 2, { types, delayMs: random.pick([0, 900]) }),
  ];
  for (let at = 3_000; at < WORK_MS; at += random.whole(1_000, 2_000))
    actions.push(pile(at, 5, { types: FEW_TYPES, delayMs: random.pick([0, 300]) }));
  return actions;
}

function suspects(random: Random): Action[] {
  const behaviour = { does: 'kills its pod', forMs: 50 } as const;
  return [100, 300, 1_000].map((at) =>
    work(at, { count: 1, behaviour, priority: random.pick([0, 5, URGENT]), maxRetries: 1 }),
  );
}

function others(random: Random): Action[] {
  const actions: Action[] = [];
  for (let at = 0; at < WORK_MS; at += 1_000) {
    const behaviour = { does: 'returns', forMs: random.pick([5, 400]) } as const;
    const type = random.pick(['plain', 'single', 'single', 'timed'] as const);
    actions.push(work(at, { count: 4, behaviour, priority: random.pick([0, 3, URGENT]), type }));
  }
  return actions;
}
