/**
 * Plans of busy pods that stand still for longer than they may be silent: they are evicted with claims in hand that have not started,
 * and go on under a new incarnation.
 *
 * For: what a pod does with the claims of the incarnation before, and with handlers that were running.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const ROUND_MS = 9_000;

export const frozenPlan: Theme = (world, random) => {
  const [heartbeatMs, intervals] = [500, random.pick([4, 6])];
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(1, 3), heartbeatMs, deadAfterMs: heartbeatMs * intervals },
  });
  const pods = [pod(), pod(), ...(random.chance(0.3) ? [pod()] : [])];
  const latencyMs = random.pick([0, 60, 300]);
  const actions: Action[] = [];
  for (let round = 0; round < 3; round++) {
    const at = round * ROUND_MS + random.whole(0, 500);
    const behaviour = { does: 'returns', forMs: random.pick([50, 200, 200]) } as const;
    actions.push(work(at, { count: random.pick([30, 50]), behaviour }));
    const forMs = heartbeatMs * intervals + random.whole(1_500, 3_500);
    actions.push({
      at: at + random.whole(800, 2_500),
      do: 'freeze',
      pod: random.whole(0, 2),
      forMs,
      monotonic: 'runs',
    });
  }
  const lateReadMs = world === 'warehouse' ? random.pick([0, 500]) : 0;
  return { pods, hazards: { ...NO_HAZARDS, latencyMs, lateReadMs }, actions };
};
