/**
 * Plans in which people cancel and retry again and again, steps that two submitters have submitted at once, while reads are late and
 * sessions end.
 *
 * For: cancels and retries of steps with two rows, and what late reads show of them.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const WORK_MS = 12_000;

export const commandsPlan: Theme = (_world, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(1, 3), heartbeatMs: 800, deadAfterMs: 4_800 },
  });
  const actions: Action[] = [];
  let steps = 0;
  for (let at = 0; at < WORK_MS; at += random.whole(200, 500)) {
    const does = random.pick(['returns', 'fails permanently', 'fails permanently', 'ignores its signal'] as const);
    const behaviour = { does, forMs: random.pick([5, 200, 3_000]) };
    const count = random.pick([1, 2]);
    steps += count;
    actions.push(work(at, { count, keyed: true, behaviour }));
    // A third submitter of the newest step.
    if (random.chance(0.3)) actions.push({ at, do: 'resubmit', step: steps - 1 });
  }
  for (let at = 300; at < WORK_MS; at += random.whole(150, 600)) {
    const step = random.whole(0, 1_000);
    const twice = random.chance(0.4);
    actions.push({ at, do: random.pick(['cancel', 'retry', 'retry']), step, ...(twice && { twice }) });
  }
  // A pod that does not exchange meanwhile.
  for (let at = 1_000; at < WORK_MS; at += random.whole(2_000, 4_000))
    actions.push({ at, do: 'pause', pod: random.whole(0, 1), forMs: 2_500 });
  return {
    pods: [pod(), pod()],
    hazards: {
      ...NO_HAZARDS,
      latencyMs: random.pick([0, 10, 60]),
      ...(random.chance(0.3) ? { failure: 0.1 } : { sessionEnds: random.pick([0.2, 0.4]) }),
      lateReadMs: random.pick([0, 2_000, 2_000, 4_000]),
    },
    ...(random.chance(0.5) ? { habits: { combines: random.pick(['always', 'never'] as const) } } : {}),
    actions,
  };
};
