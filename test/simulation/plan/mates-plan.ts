/**
 * Plans of processes that have two queues each, and of steps that kill their process, among other work.
 *
 * For: a suspect that must be alone in its process, not only on its pod.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const WORK_MS = 24_000;

export const matesPlan: Theme = (_, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(1, 3), heartbeatMs: 500, deadAfterMs: 2_000, hasMate: true },
  });
  const actions: Action[] = [];
  for (let at = 0; at < WORK_MS; at += random.whole(300, 900)) {
    const does = random.pick(['returns', 'returns', 'ignores its signal']);
    const behaviour = { does, forMs: random.pick([50, 200, 1_800]) } as const;
    actions.push(work(at, { count: random.pick([1, 3]), behaviour, type: random.pick(['plain', 'timed']) }));
  }
  for (const at of [300, 2_000, random.whole(4_000, 9_000)])
    actions.push(work(at, { count: 1, behaviour: { does: 'kills its pod', forMs: 50 }, maxRetries: 1 }));
  return {
    pods: random.pick([[pod()], [pod(), pod()]]),
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10, 60]) },
    habits: { provesExits: random.chance(0.7) },
    actions,
  };
};
