/**
 * Plans of more steps that end at about the same time than one piece of the clean-up removes, and of a fleet that goes on for longer
 * than they are kept; a few go on until pods that have left are forgotten, too.
 *
 * For: a clean-up of several pieces.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** More than one piece. */
const MANY = 700;
const KEPT_MS = 30_000;
/** For so long pods that have left are remembered. */
const REMEMBERED_MS = 3_600_000;

export const retentionPlan: Theme = (_, random) => {
  const isLong = random.chance(0.15);
  const heartbeatMs = isLong ? 10_000 : 1_000;
  const pod = (): PodPlan => ({ types: EVERY_TYPE, slots: 30, heartbeatMs, deadAfterMs: 6 * heartbeatMs });
  const behaviour = { does: 'returns', forMs: 5 } as const;
  const later = isLong ? REMEMBERED_MS + 60_000 : KEPT_MS + 9_000;
  const actions: Action[] = [
    work(100, { count: MANY, behaviour }),
    { at: 150, do: 'wait', step: 0, how: 'for all' },
    { at: random.pick([160, 400]), do: 'restart', pod: 0, hard: false },
    { at: 20_000, do: 'scale', to: isLong ? 6 : 3 },
    { at: 25_000, do: 'scale', to: 2 },
    { at: later + 50, do: 'read', step: random.whole(0, 1_000) },
    work(later + 100, { count: 5, behaviour }),
  ];
  const hazards = { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) };
  return { pods: [pod(), pod()], hazards, habits: { keepMs: KEPT_MS }, actions };
};
