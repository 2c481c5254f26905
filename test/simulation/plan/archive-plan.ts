/**
 * Plans of small fleets that live for more than an hour, in which little happens: steps that have ended go to the archive, are retried,
 * cancelled and submitted again there, and are removed; pods that have left are forgotten, and old rows of the logs are deleted. A pod
 * that stood still for long hands in settlements of steps that are archived, or gone.
 *
 * For: housekeeping, and steps that only the archive has.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, Behaviour, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const MINUTE_MS = 60_000;
/** A step that has ended goes to the archive after a quarter of an hour, by the next housekeeping. */
const ARCHIVED_MS = 15 * MINUTE_MS;
/** A pod that has left is forgotten after an hour, its last rows in the log a round of housekeeping later. */
const FORGOTTEN_MS = 65 * MINUTE_MS;
const CALLS = 24;
/** Longer than a pod stands still: it still learns what became of its settlements. */
const KEEP_MS = 40 * MINUTE_MS;

export const archivePlan: Theme = (_world, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(1, 3), heartbeatMs: 10_000, deadAfterMs: 60_000 },
  });
  const ways: readonly Behaviour['does'][] = ['returns', 'throws', 'throws once', 'fails permanently'];
  const actions: Action[] = ways.map((does) =>
    work(random.whole(0, 1_000), {
      count: 2,
      keyed: random.chance(0.3),
      maxRetries: 0,
      behaviour: { does, forMs: 50 },
    }),
  );
  // Whoever runs these stands still, unless it is the other pod.
  actions.push(work(1_500, { count: 6, maxRetries: 0, behaviour: { does: 'throws once', forMs: 800 } }));
  const forMs = random.whole(16, 24) * MINUTE_MS;
  const isAwake = random.chance(0.5);
  actions.push(
    { at: random.whole(1_700, 2_400), do: 'suspend', pod: random.whole(0, 2), forMs },
    { at: 3_000, do: 'cancel', step: 0 },
    { at: 40_000, do: 'crash', pod: random.whole(0, 2), when: 'now' },
    ...[31_000, 32_000, 33_000].map((at) => work(at, { count: 1 })),
    { at: 50_000, do: 'scale', to: 2 },
  );
  // A pod that is paused sleeps beside work.
  if (isAwake) actions.push({ at: 30_000, do: 'pause', pod: random.whole(0, 2), forMs: 12 * MINUTE_MS });
  for (let i = 0; i < CALLS; i++) {
    const at = ARCHIVED_MS + random.whole(0, 4 * MINUTE_MS);
    actions.push(callOf(random.pick(['retry', 'retry', 'cancel', 'read', 'resubmit']), at, random.whole(0, 14)));
  }
  actions.push({ at: FORGOTTEN_MS, do: 'look' });
  return {
    pods: [pod(), pod(), pod()],
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([10, 60]), lateReadMs: random.pick([0, 2_000]) },
    habits: {
      ...(random.chance(0.5) ? { combines: 'always' } : {}),
      ...(isAwake ? { sleeps: 'never' } : {}),
      keepMs: KEEP_MS,
    },
    actions,
  };
};

type Kind = 'retry' | 'cancel' | 'read' | 'resubmit';

/** By two callers at once, as far as that kind of call knows it. */
function callOf(kind: Kind, at: number, step: number): Action {
  return kind === 'resubmit' ? { at, do: kind, step } : { at, do: kind, step, twice: true };
}
