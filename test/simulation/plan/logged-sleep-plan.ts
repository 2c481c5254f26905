/**
 * Plans of fleets that have logged requests a short time ago, and then have nothing to do: now and then work comes that one pod, which
 * woke first, shares out.
 *
 * For: a pod that falls asleep while another could still hand it a step; the wake of pods by turns.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** Longer than a request counts. */
const WORK_MS = 75_000;

export const loggedSleepPlan: Theme = (_, random) => {
  const heartbeatMs = random.pick([800, 1_000]);
  const pod: PodPlan = { types: EVERY_TYPE, slots: random.whole(1, 3), heartbeatMs, deadAfterMs: 4 * heartbeatMs };
  const actions: Action[] = [work(random.whole(0, 500), { count: 6 })];
  for (let at = random.whole(5_000, 7_000); at < WORK_MS; at += random.whole(5_000, 14_000))
    actions.push(work(at, { count: random.pick([1, 1, 2]) }));
  const isSmall = random.chance(0.6);
  return {
    pods: isSmall ? [pod, pod] : [pod, pod, pod],
    hazards: {
      ...NO_HAZARDS,
      ...{ latencyMs: random.pick([10, 60]), lateReadMs: random.pick([0, 0, 500]), oldSources: random.chance(0.3) },
    },
    ...(isSmall || random.chance(0.5) ? { habits: { combines: 'always' } as const } : {}),
    actions,
  };
};
