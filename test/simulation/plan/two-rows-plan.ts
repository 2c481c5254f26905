/**
 * Plans of a warehouse in which two submitters submit the same steps at the same instant, while every pod asks for work: a pod may
 * see the second row of a step before the first.
 *
 * For: a claim of the second row of a step.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const WORK_MS = 12_000;

export const twoRowsPlan: Theme = (_, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(2, 4), heartbeatMs: 1_000, deadAfterMs: 6_000 },
  });
  const actions: Action[] = [];
  for (let at = 0; at < WORK_MS; at += random.whole(100, 250)) {
    const behaviour = { does: 'returns', forMs: random.pick([5, 50]) } as const;
    actions.push(work(at, { count: random.pick([1, 2]), keyed: true, behaviour }));
  }
  const combines = random.pick([undefined, 'never', 'always']);
  return {
    pods: [pod(), pod(), pod()],
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) },
    habits: { sleeps: 'never', ...(combines === undefined ? {} : { combines }) },
    actions,
  };
};
