/**
 * Plans of fleets that share their UPDATEs through the log, and of which pods die between their request and its UPDATE. They may be
 * silent for long, so a dead one stays a member for as long as its request counts, and the calm begins soon after.
 *
 * For: the head of the log that dies.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** As long as a request counts. */
const DEAD_AFTER_MS = 60_000;
const WORK_MS = 8_000;
/** A pod that was killed is replaced within this time, so that all three may die in turn. */
const BETWEEN_MS = 1_600;

export const deadHeadPlan: Theme = (_world, random) => {
  const pod: PodPlan = { types: EVERY_TYPE, slots: 2, heartbeatMs: 1_000, deadAfterMs: DEAD_AFTER_MS };
  const actions: Action[] = [];
  for (let at = 0; at < WORK_MS; at += random.whole(400, 900)) {
    const behaviour = { does: 'returns', forMs: random.pick([50, 200]) } as const;
    actions.push(work(at, { count: random.pick([1, 2, 4]), behaviour }));
  }
  for (let at = random.whole(2_000, 3_000); at < WORK_MS; at += BETWEEN_MS + random.whole(0, 1_000))
    actions.push({ at, do: 'crash', pod: random.whole(0, 2), when: 'after its next statement' });
  return {
    pods: [pod, pod, pod],
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([10, 60]) },
    habits: { combines: 'always', sleeps: 'never' },
    actions,
  };
};
