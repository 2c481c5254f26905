/**
 * Plans of many steps that wait for an instant of the wall clock, while the clock of the oldest pod is set again and again: a
 * second time before the steps have been moved to the first.
 *
 * For: a move that begins before the last one has ended.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** More than one piece of a move. */
const MANY = 450;
const WORK_MS = 9_000;

export const wallClockPlan: Theme = (_, random) => {
  const pod = (): PodPlan => ({ types: EVERY_TYPE, slots: 12, heartbeatMs: 500, deadAfterMs: 3_000 });
  const behaviour = { does: 'returns', forMs: 5 } as const;
  const later = (at: number, count: number): Action =>
    work(at, { count, behaviour, form: 'for an instant', delayMs: random.pick([8_000, 12_000, 30_000]) });
  const actions: Action[] = [later(100, MANY), later(300, random.pick([20, MANY]))];
  for (let at = 2_000; at < WORK_MS; at += random.pick([100, 300, 400]))
    actions.push({ at, do: 'clock', pod: random.pick([0, 0, 0, 1]), byMs: random.whole(-6_000, 6_000) });
  for (let at = 2_000; at < WORK_MS; at += random.whole(700, 1_500))
    actions.push(work(at, { count: 2, form: 'for an instant', delayMs: 200 }));
  if (random.chance(0.5)) actions.push({ at: random.whole(3_000, 6_000), do: 'crash', pod: 0, when: 'now' });
  const hazards = {
    ...NO_HAZARDS,
    latencyMs: random.pick([0, 10, 60]),
    busy: random.pick([0.35, 0.6]),
  };
  return { pods: [pod(), pod()], hazards, actions };
};
