/**
 * Plans of a pod whose event loop stalls again and again for minutes, often while it leads, and of another that freezes for long, twice.
 *
 * For: a leader that stands down because it stalls, again before it may lead once more; a second eviction of one process.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const STALLS_MS = 70_000;
/** After this time a loop counts as stuck, and the pod was evicted. */
const FROZEN_MS = 13_000;

export const stallingPlan: Theme = (_, random) => {
  const heartbeatMs = random.pick([500, 800]);
  const pod: PodPlan = { types: EVERY_TYPE, slots: 2, heartbeatMs, deadAfterMs: 6 * heartbeatMs };
  const [eachMs, everyMs] = random.pick([
    [600, 700],
    [900, 1_300],
    [1_500, 1_600],
  ]);
  const actions: Action[] = [{ at: 1_500, do: 'stalls', pod: 0, eachMs, everyMs, forMs: STALLS_MS }];
  if (random.chance(0.5)) actions.push({ at: 9_000, do: 'stalls', pod: 1, eachMs, everyMs, forMs: STALLS_MS / 2 });
  for (const at of [12_000, 45_000])
    actions.push({ at: at + random.whole(0, 9_000), do: 'freeze', pod: 1, forMs: FROZEN_MS, monotonic: 'runs' });
  for (let at = 500; at < STALLS_MS; at += random.whole(2_000, 5_000))
    actions.push(work(at, { count: 2, behaviour: { does: 'returns', forMs: 200 } }));
  return { pods: [pod, pod], hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 60]) }, actions };
};
