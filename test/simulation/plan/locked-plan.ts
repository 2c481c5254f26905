/**
 * Plans of a file that another program locks for longer than a call waits, while pods work, and while one is started.
 *
 * For: calls that give up waiting, and a store that is opened again after it could not be.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** A call waits for ten seconds. */
const LOCKED_MS = [4_000, 12_000, 14_000] as const;
const ROUND_MS = 20_000;

export const lockedPlan: Theme = (_, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(2, 4), heartbeatMs: 1_000, deadAfterMs: random.pick([4_000, 20_000]) },
  });
  const actions: Action[] = [];
  for (const at of [1_500, 1_500 + ROUND_MS]) {
    const behaviour = { does: random.pick(['returns', 'throws once']), forMs: random.pick([50, 800]) } as const;
    actions.push(work(at - 200, { count: 12, behaviour }), { at, do: 'lock', forMs: random.pick(LOCKED_MS) });
    actions.push(work(at + 300, { count: 3 }), { at: at + 500, do: 'restart', pod: random.whole(0, 2), hard: true });
    actions.push({ at: at + 600, do: 'cancel', step: random.whole(0, 20) }, { at: at + 700, do: 'look', from: 0 });
    actions.push({ at: at + 900, do: 'wait', step: random.whole(0, 20) });
  }
  return { pods: [pod(), pod()], hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) }, actions };
};
