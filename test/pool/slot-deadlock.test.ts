/** Handlers in all slots that wait for steps which need a slot. */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/log.js';
import { SlotDeadlock, type RunningHandler } from '../../src/pool/slot-deadlock.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { claimTokenOf } from '../../src/step/crash-suspect.js';
import type { StepRecord } from '../../src/store/contract.js';

let runtime: VirtualRuntime;
let deadlock: SlotDeadlock;
/** What the slots do, and what this process waits for. */
let free: number;
let returned: number;
let running: string[];
/** The steps that a handler has submitted by `ctx.submit`, by its claim token. */
let childrenOf: Map<string, readonly string[]>;
let steps: StepRecord[];
let warned: unknown[];
let questions: number[];
beforeEach(async () => {
  runtime = new VirtualRuntime();
  [free, returned, running, steps, warned, questions] = [0, 0, [], [], [], []];
  childrenOf = new Map();
  const ignore = () => undefined;
  const log = createLog('pool', {
    ...{ debug: ignore, info: ignore, error: ignore },
    warn: (fields: unknown) => void warned.push(fields),
  });
  deadlock = new SlotDeadlock({
    ...{ runtime, log },
    store: {
      find: async () => {
        questions.push(runtime.monotonicMs());
        return steps;
      },
    },
    slots: () => ({ free, returned, running: () => running.map(handlerOf) }),
    handles: (type) => type === 'child',
    awaited: (most) => steps.slice(0, most).map(({ stepId }) => stepId),
  });
  onTestFinished(() => deadlock.stop());
});

/** A handler with this claim token. */
const handlerOf = (claimToken: string): RunningHandler => ({
  claim: { claimToken },
  hasChild: (stepId) => childrenOf.get(claimToken)?.includes(stepId) === true,
});

/** A handler claims its step now. */
const claims = (alone = false): void => void running.push(claimTokenOf(runtime.uuid(), alone));

/** A step that is submitted now, and waited for. */
function submits(given: Partial<StepRecord> = {}): void {
  const now = runtime.wallMs();
  const step = { stepId: runtime.uuid(), type: 'child', status: 'pending', runAt: now, createdAt: now, ...given };
  steps.push(step as StepRecord);
}

/** So many handlers claim, and each submits a child a moment later. */
async function parents(count: number, given: Partial<StepRecord> = {}): Promise<void> {
  for (let i = 0; i < count; i++) claims();
  await runtime.advance(10);
  for (let i = 0; i < count; i++) submits(given);
  await deadlock.start();
  await runtime.settle();
}

describe('if all handlers wait', () => {
  test('the deadlock is found after 15 s without a change, and logged once', async () => {
    await parents(2);
    await runtime.advance(14_999);
    expect([deadlock.forMs, questions]).toEqual([0, []]);
    await runtime.advance(1);
    expect(deadlock.forMs).toBe(15_000);
    await runtime.advance(600_000);
    expect(deadlock.forMs).toBe(615_000);
    expect(warned).toMatchObject([{ slots: 2, stepIds: expect.arrayContaining(steps.map(({ stepId }) => stepId)) }]);
    expect(questions).toHaveLength(1);
  });

  test.each([
    ['a handler returns', () => void returned++],
    ['a slot gets free', () => void (free = 1)],
  ])('the deadlock is over when %s, and the 15 s start again', async (_, move) => {
    await parents(2);
    await runtime.advance(60_000);
    expect(deadlock.forMs).toBe(60_000);
    move();
    expect(deadlock.forMs).toBe(0);
    await runtime.advance(5_000);
    free = 0;
    await runtime.advance(14_999);
    expect(warned).toHaveLength(1);
    await runtime.advance(5_000);
    expect(warned).toHaveLength(2);
    expect(deadlock.forMs).toBeLessThan(25_000);
  });

  test('each handler is matched with the youngest step that is left', async () => {
    for (let i = 0; i < 3; i++) {
      claims();
      await runtime.advance(10);
      submits();
      await runtime.advance(10);
    }
    await parents(0);
    await runtime.advance(15_000);
    expect(warned).toHaveLength(1);
  });

  test('a claim of a pod that was empty counts like any other', async () => {
    claims(true);
    await runtime.advance(10);
    await parents(1);
    submits();
    await runtime.advance(15_000);
    expect(warned).toHaveLength(1);
  });

  test('a step whose id has no time counts even if it was created in the ms of the claim', async () => {
    claims();
    submits({ stepId: '00000000-0000-5000-8000-000000000000' });
    await parents(0);
    await runtime.advance(15_000);
    expect(warned).toHaveLength(1);
  });

  test('a step counts for the handler that has submitted it, also if an earlier run created it', async () => {
    for (let i = 0; i < 2; i++) submits();
    await runtime.advance(10);
    for (let i = 0; i < 2; i++) claims();
    running.forEach((token, i) => childrenOf.set(token, [steps[i]!.stepId]));
    await parents(0);
    await runtime.advance(15_000);
    expect(warned).toHaveLength(1);
  });

  test('a step counts for each of the handlers that have submitted it', async () => {
    submits();
    await runtime.advance(10);
    for (let i = 0; i < 2; i++) claims();
    for (const token of running) childrenOf.set(token, [steps[0]!.stepId]);
    await parents(0);
    await runtime.advance(15_000);
    expect(warned).toHaveLength(1);
  });

  test('a step whose id has no time counts from its creation', async () => {
    await parents(1);
    steps[0] = { ...steps[0]!, stepId: '00000000-0000-5000-8000-000000000000' };
    await runtime.advance(15_000);
    expect(warned).toHaveLength(1);
  });
});

describe('nothing is found', () => {
  test.each<[string, () => Promise<void>]>([
    [
      'where a handler has returned meanwhile',
      async () => {
        await parents(2);
        runtime.after(10_000, () => void returned++);
      },
    ],
    [
      'where a slot is free',
      async () => {
        await parents(2);
        free = 1;
      },
    ],
    [
      'where nothing runs',
      async () => {
        await parents(1);
        running = [];
      },
    ],
    [
      'where fewer steps are waited for than handlers run',
      async () => {
        await parents(2);
        steps.pop();
      },
    ],
    ['where the steps are not due', () => parents(2, { runAt: Infinity })],
    ['where the steps run already', () => parents(2, { status: 'claimed' })],
    ['where other pods handle the steps', () => parents(2, { type: 'elsewhere' })],
    [
      'where a step is older than its handler’s claim',
      async () => {
        submits();
        await runtime.advance(10);
        claims();
        await parents(0);
      },
    ],
    [
      'where a step was submitted by one handler, and another one could only wait for that',
      async () => {
        await parents(2);
        childrenOf.set(
          running[0]!,
          steps.map(({ stepId }) => stepId),
        );
      },
    ],
    [
      'where two handlers could only wait for the same step',
      async () => {
        claims();
        submits();
        await runtime.advance(10);
        claims();
        await parents(0);
        submits({ stepId: '00000000-0000-5000-8000-000000000000', createdAt: 0 });
      },
    ],
  ])('%s', async (_, prepare) => {
    await prepare();
    await runtime.advance(19_000);
    expect([warned, deadlock.forMs]).toEqual([[], 0]);
  });

  test('and the store is not queried if fewer steps are awaited than handlers run', async () => {
    await parents(2);
    steps.pop();
    await runtime.advance(60_000);
    expect(questions).toEqual([]);
  });

  test('and the store is queried less and less often, up to once a minute', async () => {
    await parents(1, { status: 'completed' });
    await runtime.advance(300_000);
    expect(questions.map((at) => Math.round(at / 1_000))).toEqual([15, 25, 45, 85, 145, 205, 265]);
  });
});
