/**
 * Plans of a table into which somebody's SQL writes, while callers read and wait.
 *
 * For: rows that this library would not write, which it must read all the same.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, PodPlan } from './plan.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

const WORK_MS = 9_000;

export const sqlPlan: Theme = (_, random) => {
  const pod = (): PodPlan => ({
    ...{ types: EVERY_TYPE, slots: random.whole(2, 4), heartbeatMs: 800, deadAfterMs: 3_200 },
  });
  const from = random.whole(0, 100);
  const actions = Array.from({ length: 48 }, (_unused, i): Action => ({ at: 600 + 170 * i, do: 'sql', nth: from + i }));
  for (let at = 0; at < WORK_MS; at += 500) {
    const behaviour = { does: random.pick(['returns', 'fails permanently', 'throws']), forMs: 5 } as const;
    actions.push(work(at, { count: 3, behaviour, maxRetries: 0 }));
    const step = random.whole(0, 1_000);
    actions.push({ at: at + 150, do: 'wait', step, how: 'for all' }, { at: at + 250, do: 'look', from: step });
    actions.push({ at: at + 300, do: 'read', step });
  }
  return { pods: [pod(), pod()], hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) }, actions };
};
