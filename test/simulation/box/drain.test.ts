/** A run goes on until everything that is still under way has ended. */
import { describe, expect, it } from 'vitest';
import { boundsOf } from '../checker/bounds-of.js';
import { check } from '../checker/check.js';
import type { Entry } from '../history/history.js';
import { NO_HAZARDS } from '../plan/no-hazards.js';
import type { Plan, PodPlan } from '../plan/plan.js';
import { runPlan } from './run.js';

const POD: PodPlan = { types: ['plain', 'single', 'timed', 'checked'], slots: 1, heartbeatMs: 800, deadAfterMs: 3_200 };

const SUBMIT = { do: 'submit', count: 1, type: 'plain', priority: 0, delayMs: 0, maxRetries: 3 } as const;

it('waits for a handler of a pod that was superseded, whose call is still repeated', async () => {
  const history = await drained({
    seed: 1,
    world: 'warehouse',
    actions: [
      { ...SUBMIT, at: 1_000, behaviour: { does: 'submits another', forMs: 1_000 } },
      { at: 1_900, do: 'replace', pod: 0, forMs: 9_000 },
    ],
    calmAt: 11_000,
  });
  expect(history.some((entry) => entry.kind === 'event' && entry.fields.reason === 'superseded')).toBe(true);
});

it('waits until a step has killed as many pods of a large fleet as it may', async () => {
  const history = await drained({
    seed: 2,
    world: 'warehouse',
    actions: [
      { at: 1_000, do: 'scale', to: 20 },
      { ...SUBMIT, at: 6_000, behaviour: { does: 'kills its pod', forMs: 5 } },
    ],
    calmAt: 7_000,
  });
  const last = history.at(-1);
  expect(last?.kind === 'finished' && last.steps.map(({ status, errorCode }) => [status, errorCode])).toEqual([
    ['failed', 'STEP_CRASHED_POD'],
  ]);
});

describe('waits for handlers that keep the only slot from the steps that they wait for', () => {
  const WAITS = { does: 'waits for another', forMs: 5 } as const;

  it('each of them in turn, those of steps that were submitted again too (warehouse seed 3021217)', async () => {
    const history = await drained({
      seed: 3_021_217,
      world: 'warehouse',
      actions: [
        { ...SUBMIT, at: 272, count: 3, maxRetries: 0, behaviour: WAITS, form: 'without ids' },
        { at: 534, do: 'cut', pod: 73, forMs: 1_500, how: 'fails' },
        { at: 784, do: 'resubmit', step: 98 },
        { at: 797, do: 'resubmit', step: 409 },
      ],
      calmAt: 2_357,
    });
    expect(statuses(history)).toEqual({ failed: 5, completed: 5 });
  });

  it('then for a step that kills its pods (warehouse seed 3000799)', async () => {
    const submission = { ...SUBMIT, form: 'under a key', keyed: true } as const;
    const releases = { does: 'releases once', forMs: 800, odd: 165 } as const;
    const history = await drained({
      seed: 3_000_799,
      world: 'warehouse',
      pods: [{ ...POD, heartbeatMs: 1_000, deadAfterMs: 6_000 }],
      hazards: { ...NO_HAZARDS, latencyMs: 300 },
      actions: [
        { ...submission, at: 5_883, count: 6, type: 'timed', maxRetries: 1, behaviour: releases },
        { ...submission, at: 6_432, count: 3, maxRetries: 0, behaviour: WAITS },
        { ...SUBMIT, at: 6_713, type: 'single', behaviour: { does: 'kills its pod', forMs: 5 }, form: 'one by one' },
      ],
      calmAt: 7_866,
    });
    expect(statuses(history)).toEqual({ completed: 9, failed: 4 });
  });

  it('of two types (sqlite seed 12123)', async () => {
    const history = await drained({
      seed: 12_123,
      world: 'sqlite',
      pods: [{ ...POD, heartbeatMs: 1_000, deadAfterMs: 4_000 }],
      actions: [
        { ...SUBMIT, at: 754, count: 3, type: 'single', maxRetries: 0, behaviour: WAITS, form: 'one by one' },
        { ...SUBMIT, at: 1_085, count: 3, maxRetries: 0, behaviour: WAITS },
      ],
      calmAt: 2_988,
    });
    expect(statuses(history)).toEqual({ completed: 6, failed: 6 });
  });

  it('but not beyond its limit for a step that nobody handles', async () => {
    const calmAt = 2_000;
    const history = await drained({
      seed: 3,
      world: 'sqlite',
      pods: [{ ...POD, types: ['plain'] }],
      actions: [
        { ...SUBMIT, at: 500, count: 3, maxRetries: 0, behaviour: WAITS },
        { ...SUBMIT, at: 500, type: 'single', behaviour: { does: 'returns', forMs: 5 } },
      ],
      calmAt,
    });
    expect(statuses(history)).toEqual({ completed: 3, failed: 3, pending: 1 });
    const last = history.at(-1);
    expect(last?.kind === 'finished' && last.drainedAt - calmAt).toBe(120_500);
  });
});

/** Runs the plan, which must keep every rule. */
async function drained(parts: Omit<Plan, 'pods' | 'hazards'> & Partial<Plan>): Promise<readonly Entry[]> {
  const plan: Plan = { pods: [POD], hazards: NO_HAZARDS, ...parts };
  const history = await runPlan(plan);
  expect(check(history, boundsOf(plan))).toEqual([]);
  return history;
}

/** How many steps have ended in which way. */
function statuses(history: readonly Entry[]): Record<string, number> {
  const last = history.at(-1);
  const counts: Record<string, number> = {};
  for (const { status } of last?.kind === 'finished' ? last.steps : []) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
