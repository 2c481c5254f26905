/** A run goes on until everything that is still under way has ended. */
import { expect, it } from 'vitest';
import { boundsOf } from '../checker/bounds-of.js';
import { check } from '../checker/check.js';
import { NO_HAZARDS } from '../plan/no-hazards.js';
import type { Plan, PodPlan } from '../plan/plan.js';
import { runPlan } from './run.js';

const POD: PodPlan = { types: ['plain', 'single', 'timed', 'checked'], slots: 1, heartbeatMs: 800, deadAfterMs: 3_200 };

const SUBMIT = { do: 'submit', count: 1, type: 'plain', priority: 0, delayMs: 0, maxRetries: 3 } as const;

it('waits for a handler of a pod that was superseded, whose call is still repeated', async () => {
  const plan: Plan = {
    seed: 1,
    world: 'warehouse',
    pods: [POD],
    hazards: NO_HAZARDS,
    actions: [
      { ...SUBMIT, at: 1_000, behaviour: { does: 'submits another', forMs: 1_000 } },
      { at: 1_900, do: 'replace', pod: 0, forMs: 9_000 },
    ],
    calmAt: 11_000,
  };
  const history = await runPlan(plan);
  expect(history.some((entry) => entry.kind === 'event' && entry.fields.reason === 'superseded')).toBe(true);
  expect(check(history, boundsOf(plan))).toEqual([]);
});

it('waits until a step has killed as many pods of a large fleet as it may', async () => {
  const plan: Plan = {
    seed: 2,
    world: 'warehouse',
    pods: [POD],
    hazards: NO_HAZARDS,
    actions: [
      { at: 1_000, do: 'scale', to: 20 },
      { ...SUBMIT, at: 6_000, behaviour: { does: 'kills its pod', forMs: 5 } },
    ],
    calmAt: 7_000,
  };
  const history = await runPlan(plan);
  const last = history.at(-1);
  expect(last?.kind === 'finished' && last.steps.map(({ status, errorCode }) => [status, errorCode])).toEqual([
    ['failed', 'STEP_CRASHED_POD'],
  ]);
  expect(check(history, boundsOf(plan))).toEqual([]);
});
