/**
 * Plans of pods whose handlers take all slots and wait for steps that need one: steps of their own queue, of one instant or of no
 * order, steps that are not due, and one step for all of them.
 *
 * For: the warning about such handlers, which must find the steps that they wait for, and the end of a drain.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** Ways in which a handler waits for a step that it has not submitted by its context. */
const WAYS = 5;
/** Longer than a handler waits. */
const ROUND_MS = 27_000;
/** A pod has then seen that nothing has ended. */
const STILL_MS = 19_000;

export const slotDeadlockPlan: Theme = (_, random) => {
  const slots = 2;
  const pod: PodPlan = { types: EVERY_TYPE, slots, heartbeatMs: 1_000, deadAfterMs: 4_000 };
  const pods = random.pick([[pod], [pod, pod]]);
  const waits = (at: number, odd: number, count: number): Action => {
    const behaviour = { does: 'waits for a stranger', forMs: 5, odd } as const;
    return work(at, { count, behaviour, maxRetries: 0 });
  };
  const all = slots * pods.length;
  const rounds = Array.from({ length: WAYS }, (_unused, i) => i).map((way) => [waits(0, way, all)]);
  const mixed = [waits(0, random.pick([0, 1]), 1), waits(0, 2, all)];
  const actions = random
    .pick([
      [...rounds, mixed],
      [mixed, ...rounds],
    ])
    .flatMap((round, i) => {
      const at = i * ROUND_MS;
      const begun = round.map((action) => ({ ...action, at }));
      // Some callers wait with a time-out: theirs does not count.
      const timed = [1, 2, 3].map((turn): Action => ({ at: at + 100 * turn, do: 'wait', step: turn }));
      return [...begun, ...timed, { at: at + STILL_MS, do: 'look', from: WAYS * i } as const];
    });
  const end = (WAYS + 1) * ROUND_MS;
  const strays = { does: 'ignores its signal', forMs: 9_000 } as const;
  actions.push(work(end, { count: all, behaviour: strays, type: 'timed', maxRetries: 0 }));
  actions.push({ at: end + 4_000, do: 'look', from: 0 });
  return { pods, hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) }, actions };
};
