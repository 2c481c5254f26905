/**
 * Plans of a pod that is silent, again and again, for about as long as it may be: it comes back just before it would be evicted, or
 * just after.
 *
 * For: an eviction that is not checked again; peers that are not given the time by which they see signs of life late; a fence that
 * comes after the eviction.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import type { Random } from './seeded-random.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** Pods of a small fleet in a warehouse keep this interval as it is. A longer one would come with a longer dead-after. */
const KEPT_MS = 1_000;
const ROUNDS = 5;

export const nearlyDeadPlan: Theme = (world, random) => {
  const isLogged = world === 'warehouse';
  const heartbeatMs = isLogged ? KEPT_MS : random.pick([500, 800, 1_000]);
  const deadAfterMs = heartbeatMs * (isLogged ? 6 : random.pick([4, 6]));
  const pod: PodPlan = { types: EVERY_TYPE, slots: 2, heartbeatMs, deadAfterMs };
  const actions: Action[] = [work(random.whole(0, 500), { count: 3 })];
  let at = random.whole(2_500, 4_000);
  for (let round = 0; round < ROUNDS; round++) {
    const forMs = Math.round(deadAfterMs * (0.6 + 0.8 * random.next()));
    actions.push(silence(random, { at, forMs }), work(at + random.whole(0, forMs), { count: random.pick([1, 3]) }));
    at += forMs + deadAfterMs + random.whole(1_000, 2_500);
  }
  return {
    pods: [pod, pod],
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([10, 300, 300]) },
    ...(isLogged ? { habits: { sleeps: 'never' } as const } : {}),
    actions,
  };
};

function silence(random: Random, { at, forMs }: { readonly at: number; readonly forMs: number }): Action {
  const pod = random.pick([0, 1, 1]);
  if (random.chance(0.5)) return { at, do: 'freeze', pod, forMs, monotonic: 'runs' };
  return { at, do: 'cut', pod, forMs, how: random.pick(['fails', 'hangs', 'loses']) };
}
