/**
 * Plans of fleets that mostly sleep: little work, far apart, some of it at the worst moment.
 *
 * Invariants: as for any plan. Only fleets on the warehouse sleep.
 */
import type { Action, Hazards, Plan, PodPlan } from './plan.js';
import { seededRandom, type Random } from './seeded-random.js';
import { work } from './theme.js';

/** How long work comes. */
const WORK_MS = 30_000;
const TYPES = ['plain', 'single', 'timed'];
/** Of reads that are later than the interval between two looks of an idle pod. */
const VERY_LATE_MS = 3_000;

export function sleepyPlan(seed: number, random: Random): Plan {
  const pods = Array.from({ length: random.pick([1, 1, 1, 2]) }, (): PodPlan => {
    const heartbeatMs = random.pick([500, 800, 1_000]);
    return { types: TYPES, slots: random.whole(1, 4), heartbeatMs, deadAfterMs: heartbeatMs * random.pick([4, 6]) };
  });
  const actions: Action[] = [];
  for (let at = random.whole(0, 2_000); at < WORK_MS; at += random.whole(3_500, 9_000)) {
    const forMs = 6_000;
    if (random.chance(0.4)) actions.push({ at, do: 'surprise', pod: random.whole(0, 10), forMs });
    else actions.push(someWork(random, at));
  }
  const plan = {
    seed,
    world: 'warehouse',
    pods,
    hazards: hazardsOf(random),
    actions,
    calmAt: WORK_MS + 12_000,
  } as const;
  return seededRandom(~seed).chance(0.3) ? veryLate(plan) : plan;
}

/** Work comes when a quiet spell begins, and the next look does not see it. */
function veryLate(plan: Plan): Plan {
  const actions = plan.actions.map((action) =>
    action.do === 'surprise' ? { ...action, atFirst: true as const } : action,
  );
  return { ...plan, hazards: { ...plan.hazards, lateReadMs: VERY_LATE_MS, lostReply: 0, lateApplication: 0 }, actions };
}

function someWork(random: Random, at: number): Action {
  return work(at, {
    count: random.pick([1, 2]),
    delayMs: random.pick([0, 0, 5_000, 8_000]),
    maxRetries: 1,
    behaviour: { does: random.pick(['returns', 'returns', 'throws once', 'submits another']), forMs: 50 },
  });
}

/** Most are calm: what a pod does not notice is seen by how late it wakes. */
function hazardsOf(random: Random): Hazards {
  const rate = (most: number): number => (random.chance(0.8) ? 0 : most * random.next());
  return {
    latencyMs: random.pick([0, 10, 60, 300]),
    lostReply: rate(0.06),
    failure: rate(0.04),
    lateApplication: rate(0.04),
    duplicate: rate(0.04),
    lateReadMs: random.pick([0, 0, 500]),
    oldSources: random.chance(0.5),
    tokenLateMs: random.pick([0, 0, 1_000]),
    suspendAfterMs: random.pick([0, 5_000]),
  };
}
