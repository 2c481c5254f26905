/**
 * Plans of a pod that dies with more claims than one page of orphans holds, while the leader cannot recover: everybody asks what a
 * recovery would do. The pod comes back under its podId, and stops later, with all of them at work.
 *
 * For: a preview, which counts the claims of pods that are dead and not evicted yet, and those of each incarnation alone.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** More than a page. */
const MANY = 280;
const DIES_MS = 4_000;
/** For so long no leader recovers. */
const BROKEN_MS = 9_000;
const EACH_MS = 350;
/** It runs all of them once more, and gives them back in one exchange. */
const STOPS_MS = DIES_MS + BROKEN_MS + 4_000;

export const previewPlan: Theme = (_, random) => {
  const rhythm = { types: EVERY_TYPE, heartbeatMs: 500, deadAfterMs: random.pick([2_000, 3_000]) };
  const small = (): PodPlan => ({ ...rhythm, slots: 2 });
  const large: PodPlan = { ...rhythm, slots: MANY };
  const long = { does: 'returns', forMs: 9_000 } as const;
  const actions: Action[] = [
    work(1_000, { count: MANY, behaviour: long }),
    { at: DIES_MS - 200, do: 'breakRecovery', pod: 0, forMs: BROKEN_MS },
    { at: DIES_MS - 200, do: 'breakRecovery', pod: 1, forMs: BROKEN_MS },
    { at: DIES_MS, do: 'restart', pod: 2, hard: true },
    { at: STOPS_MS, do: 'restart', pod: 2, hard: false },
    work(DIES_MS + 500, { count: 20, behaviour: { does: 'returns', forMs: 4_000 } }),
  ];
  for (let at = DIES_MS; at < DIES_MS + BROKEN_MS + 2_000; at += EACH_MS)
    actions.push({ at, do: 'recover', how: 'a preview' });
  const hazards = { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) };
  return { pods: [small(), small(), large], hazards, habits: { provesExits: random.chance(0.2) }, actions };
};
