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
/** A step that has ended is in the archive by then: a quarter of an hour later, by the next housekeeping. */
const ARCHIVED_MS = 18 * MINUTE_MS;
/** A pod that has left is forgotten after an hour, its last rows in the log a round of housekeeping later. */
const FORGOTTEN_MS = 65 * MINUTE_MS;
const STEPS = 17;
/** Longer than a pod stands still: it still learns what became of its settlements. */
const KEEP_MS = 40 * MINUTE_MS;

export const archivePlan: Theme = (_world, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(1, 3), heartbeatMs: 10_000, deadAfterMs: 60_000 },
  });
  const ways: readonly Behaviour['does'][] = ['returns', 'throws once', 'throws once', 'throws once'];
  const actions: Action[] = ways.map((does) =>
    work(random.whole(0, 1_000), {
      count: 2,
      keyed: random.chance(0.3),
      maxRetries: 0,
      behaviour: { does, forMs: 50 },
    }),
  );
  // Some settlements of these are on their way when pods come to stand still.
  for (const at of [1_500, 1_700, 1_900])
    actions.push(
      work(at, { count: 3, maxRetries: 0, behaviour: { does: 'throws once', forMs: random.whole(50, 300) } }),
    );
  const forMs = random.whole(20, 24) * MINUTE_MS;
  const isPaused = random.chance(0.5);
  actions.push(
    { at: random.whole(1_900, 2_500), do: 'suspend', pod: 0, forMs },
    { at: 3_000, do: 'cancel', step: 0 },
    { at: 40_000, do: 'crash', pod: 2, when: 'now' },
    ...[31_000, 32_000, 33_000].map((at) => work(at, { count: 1 })),
    isPaused
      ? { at: 30_000, do: 'pause', pod: 1, forMs: 11 * MINUTE_MS }
      : { at: random.whole(1_900, 2_500), do: 'suspend', pod: 1, forMs },
  );
  // Each step is retried once more; what has ended again goes on being asked for.
  for (let step = 0; step < STEPS; step++) {
    const at = ARCHIVED_MS + 3_000 * step;
    actions.push(callOf('retry', at, step), callOf(random.pick(['cancel', 'read', 'resubmit']), at + 1_500, step));
  }
  actions.push({ at: FORGOTTEN_MS, do: 'look' });
  return {
    pods: [pod(), pod(), pod()],
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([10, 60]), lateReadMs: random.pick([0, 2_000]) },
    habits: {
      ...(random.chance(0.5) ? { combines: 'always' } : {}),
      // A pod that is paused sleeps beside work.
      ...(isPaused ? { sleeps: 'never' } : {}),
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
