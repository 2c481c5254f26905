/**
 * Plans of a fleet that is too large for its warehouse, and becomes smaller: INSERTs and UPDATEs are turned away, pods ask less often
 * than they would, and as often as they like again.
 *
 * For: a store that throttles its pods, and relaxes.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** The crowd counts for a minute after it has gone. */
const CROWD_MS = 20_000;
const WORK_MS = 110_000;

export const smallWarehousePlan: Theme = (_world, random) => {
  const pod: PodPlan = { types: EVERY_TYPE, slots: random.whole(2, 4), heartbeatMs: 2_000, deadAfterMs: 30_000 };
  const actions: Action[] = [];
  for (let at = 0; at < WORK_MS; at += random.whole(500, 1_500))
    actions.push(work(at, { count: random.pick([1, 2, 6]), behaviour: { does: 'returns', forMs: 50 } }), {
      at: at + random.whole(20, 200),
      do: 'cancel',
      step: random.whole(0, 1_000),
    });
  actions.push({ at: CROWD_MS, do: 'scale', to: 1 });
  const isRefused = random.chance(0.5);
  return {
    pods: Array.from({ length: isRefused ? 5 : 6 }, () => pod),
    hazards: {
      ...NO_HAZARDS,
      latencyMs: 10,
      small: isRefused
        ? { slots: 4, waiters: 0, insertLockMs: random.pick([50, 200]), slowerMs: 0 }
        : { slots: 2, waiters: 20, insertLockMs: 0, slowerMs: random.pick([150, 200]) },
      ...(random.chance(0.3) ? { badRequest: 0.2 } : {}),
    },
    habits: { combines: 'always', sleeps: 'never' },
    actions,
  };
};
