/**
 * Plans of a pod that handles more types than one request can name, and more than a sign of life can, and that runs hundreds of steps at
 * once, whose args and results are more than one bind can hold.
 *
 * For: what goes in turns, and in pieces.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, Behaviour, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const WORK_MS = 12_000;
/** Below the limits of a simulated queue. */
const FILLER = 'x'.repeat(3_400);
/** Their results are in one bind more than the types leave room for, and more than one bind. */
const AT_ONCE = [300, 500] as const;
/** More than a pod remembers of what it has submitted. */
const MANY_CALLS = 110;

export const largePodPlan: Theme = (_world, random) => {
  const pod: PodPlan = {
    ...{ types: EVERY_TYPE, many: 24_000, slots: AT_ONCE[1] + 20, heartbeatMs: 1_000, deadAfterMs: 6_000 },
  };
  const bulky: Behaviour = { does: 'returns', forMs: random.pick([800, 1_500]), filler: FILLER };
  const actions: Action[] = [
    work(500, { count: 1 }),
    { at: 1_000, do: 'backlog', types: 120, each: 1, priorities: 3, delayMs: 0 },
    work(random.whole(1_500, 3_000), { count: AT_ONCE[0], behaviour: bulky }),
    work(21_000, { count: AT_ONCE[1], behaviour: bulky }),
    { at: 5_000, do: 'pause', pod: 0, forMs: 5_000 }, // a pod that is paused sleeps beside work, for less than the rule allows
    // By the client, and by the pod.
    work(5_100, { count: MANY_CALLS, form: 'one by one', behaviour: { does: 'returns', forMs: 5 } }),
    work(5_100, { count: MANY_CALLS, form: 'one by one', behaviour: { does: 'returns', forMs: 5 } }),
  ];
  for (let at = 1_000; at < WORK_MS; at += random.whole(1_000, 3_000)) actions.push(work(at, { count: 1 }));
  return { pods: [pod], hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) }, actions };
};
