/** A process that is killed takes all its queues with it. */
import { expect, it } from 'vitest';
import { boundsOf } from '../checker/bounds-of.js';
import { check } from '../checker/check.js';
import type { Plan } from '../plan/plan.js';
import { runPlan } from './run.js';

/** Two queues in a process. One of them cannot start, and its registration arrives after the process was killed. */
const PLAN: Plan = {
  seed: 202_044,
  world: 'sqlite',
  pods: [
    { types: ['plain', 'single', 'timed', 'checked'], slots: 3, heartbeatMs: 800, deadAfterMs: 3_200, hasMate: true },
  ],
  hazards: {
    ...{ latencyMs: 300, lostReply: 0.02351707032881677, failure: 0, lateApplication: 0.014948785230517387 },
    ...{ duplicate: 0, lateReadMs: 0, oldSources: false, tokenLateMs: 0, suspendAfterMs: 0 },
  },
  habits: { provesExits: true },
  actions: [{ at: 3_077, do: 'crash', pod: 56, when: 'after its next statement' }],
  calmAt: 4_441,
};

it('records the death of a queue that could not start, so that its eviction is right', async () => {
  const history = await runPlan(PLAN);
  const processes = history.filter((entry) => entry.kind === 'process');
  expect(processes.find(({ process, what }) => process === 'p1b' && what === 'stopped')).toBeDefined();
  expect(
    history.find((entry) => entry.kind === 'member' && entry.podId === 'pod-1-b' && entry.event === 'evicted'),
  ).toBeDefined();
  expect(processes.flatMap(({ process, what }) => (what === 'killed' ? [process] : []))).toEqual(['p1', 'p1b']);
  expect(check(history, boundsOf(PLAN))).toEqual([]);
});
