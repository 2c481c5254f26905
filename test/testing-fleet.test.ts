/** `testFleet` of `fleet-q/testing`: draining, the clock, the queue, and what the handlers see. */
import { defineStep, PermanentFailureError, RetryLaterError } from 'fleet-q';
import { testFleet } from 'fleet-q/testing';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';

const HOUR = 3_600_000;
const double = defineStep({ type: 'double', run: ({ n }: { n: number }) => n * 2 });
const flaky = defineStep({
  type: 'flaky',
  run: ({ failures }: { failures: number }, { attempt }) => {
    if (attempt <= failures) throw new Error(`failure ${attempt}`);
    return attempt;
  },
});

describe('drain', () => {
  test('runs what was submitted, and nothing before', async () => {
    await using fleet = testFleet({ steps: [double] });
    const stepId = await fleet.queue.submit(double, { n: 21 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'pending' });
    expect(fleet.runs()).toEqual([]);
    expect(await fleet.drain()).toEqual({ runs: 1, completed: 1, failed: 0, cancelled: 0, elapsedMs: 0 });
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', result: 42 });
    expect(await fleet.drain()).toMatchObject({ runs: 0 });
  });

  test('moves time through delays and retries', async () => {
    await using fleet = testFleet({ steps: [double, flaky] });
    await fleet.queue.submit(double, { n: 1 }, { delayMs: 30 * 24 * HOUR });
    const succeeds = await fleet.queue.submit(flaky, { failures: 2 });
    const fails = await fleet.queue.submit(flaky, { failures: 99 }, { maxRetries: 1 });
    const began = performance.now();
    const drained = await fleet.drain();
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(drained).toMatchObject({ runs: 1 + 3 + 2, completed: 2, failed: 1 });
    expect(drained.elapsedMs).toBe(30 * 24 * HOUR);
    expect(await fleet.queue.getStep(succeeds)).toMatchObject({ status: 'completed', result: 3, retryCount: 2 });
    expect(await fleet.queue.getStep(fails)).toMatchObject({ status: 'failed', error: { message: 'failure 2' } });
  });

  test('runs what handlers submit, release and put off', async () => {
    const child = defineStep({ type: 'child', run: () => undefined });
    const parent = defineStep({
      type: 'parent',
      run: async (_: undefined, ctx) => {
        if (fleet.runs('parent').length === 1) ctx.release({ delayMs: 60_000 });
        if (fleet.runs('parent').length === 2) throw new RetryLaterError(120_000);
        await ctx.submit(child, undefined, { delayMs: HOUR });
        await ctx.submitMany(child, [undefined], () => ({ name: 'another' }));
      },
    });
    await using fleet = testFleet({ steps: [parent, child] });
    await fleet.queue.submit(parent);
    const drained = await fleet.drain();
    expect(drained).toMatchObject({ runs: 5, completed: 3 });
    expect(drained.elapsedMs).toBe(60_000 + 120_000 + HOUR);
    expect((await fleet.steps(child)).map(({ status }) => status)).toEqual(['completed', 'completed']);
  });

  test('stops when the step has ended that it is for', async () => {
    await using fleet = testFleet({ steps: [double] });
    const soon = await fleet.queue.submit(double, { n: 1 }, { delayMs: HOUR });
    await fleet.queue.submit(double, { n: 2 }, { delayMs: 2 * HOUR });
    expect(await fleet.drain({ untilStep: soon })).toMatchObject({ completed: 1, elapsedMs: HOUR });
    expect((await fleet.steps({ status: 'pending' })).length).toBe(1);
  });

  test('takes the same course each time', async () => {
    const course = async (seed?: number): Promise<unknown> => {
      await using fleet = testFleet({ steps: [flaky], ...(seed !== undefined && { seed }), now: 0, pods: 2 });
      await fleet.queue.submitMany(
        flaky,
        [1, 2, 3].map((failures) => ({ failures })),
      );
      const drained = await fleet.drain();
      return [drained, fleet.runs().map(({ podId, startedAt, stepId }) => [podId, startedAt, stepId])];
    };
    expect(await course()).toEqual(await course());
    expect(await course(2)).not.toEqual(await course(1));
  });

  test('with every heartbeat, if idle time is not skipped', async () => {
    const elapsed = async (skipIdleTime: boolean): Promise<[number, number]> => {
      await using fleet = testFleet({ steps: [double], skipIdleTime });
      let heartbeats = 0;
      fleet.queue.onBrief('heartbeat:completed', () => heartbeats++);
      await fleet.queue.submit(double, { n: 1 }, { delayMs: 120_000 });
      const { elapsedMs } = await fleet.drain();
      return [elapsedMs, heartbeats];
    };
    const [all, skipped] = [await elapsed(false), await elapsed(true)];
    expect(all[0]).toBe(120_000);
    expect(skipped[0]).toBe(120_000);
    expect(all[1]).toBeGreaterThan(50);
    expect(skipped[1]).toBeLessThan(5);
  });
});

describe('the clock', () => {
  test('runs a delayed step when its time has come, and not before', async () => {
    await using fleet = testFleet({ steps: [double] });
    const stepId = await fleet.queue.submit(double, { n: 1 }, { delayMs: HOUR });
    const began = fleet.clock.now();
    await fleet.clock.advance(HOUR - 1);
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'pending' });
    await fleet.clock.advance(1);
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', updatedAt: began + HOUR });
    expect(fleet.clock.now()).toBe(began + HOUR);
    await fleet.clock.advanceTo(new Date(began + 2 * HOUR));
    expect(fleet.clock.now()).toBe(began + 2 * HOUR);
  });

  test('starts where the code under test believes to be', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2024-02-29T12:00:00Z') });
    try {
      const dates: string[] = [];
      const dated = defineStep({ type: 'dated', run: () => void dates.push(new Date().toISOString()) });
      await using fleet = testFleet({ steps: [dated], onTime: (now) => vi.setSystemTime(now) });
      await fleet.queue.submit(dated, undefined, { runAt: new Date(Date.now() + HOUR) });
      await fleet.queue.submit(dated, undefined, { delayMs: 24 * HOUR });
      await fleet.drain();
      expect(dates).toEqual(['2024-02-29T13:00:00.000Z', '2024-03-01T12:00:00.000Z']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('starts at the instant that is given, and stands still', async () => {
    await using fleet = testFleet({ steps: [double], now: new Date('2030-01-01T00:00:00Z') });
    const stepId = await fleet.queue.submit(double, { n: 1 });
    expect(new Date((await fleet.queue.getStep(stepId)).createdAt).toISOString()).toBe('2030-01-01T00:00:00.000Z');
    await fleet.drain();
    expect(new Date(fleet.clock.now()).toISOString()).toBe('2030-01-01T00:00:00.000Z');
  });

  test('lets handlers sleep', async () => {
    const sleepy = defineStep({
      type: 'sleepy',
      run: (ms: number, { signal }): Promise<void> => fleet.clock.sleep(ms, signal),
    });
    await using fleet = testFleet({ steps: [sleepy] });
    await fleet.queue.submit(sleepy, 90_000);
    expect(await fleet.drain()).toMatchObject({ completed: 1, elapsedMs: 90_000 });
  });
});

describe('the queue', () => {
  test('waits by moving time, for several steps at once', async () => {
    await using fleet = testFleet({ steps: [double, flaky] });
    const first = await fleet.queue.submit(double, { n: 1 }, { delayMs: HOUR });
    const second = await fleet.queue.submit(flaky, { failures: 1 });
    expect(await Promise.all([fleet.queue.waitFor(first), fleet.queue.waitFor(second)])).toEqual([2, 2]);
    const third = await fleet.queue.submit(double, { n: 1 }, { delayMs: HOUR });
    await expect(fleet.queue.waitFor(third, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
    const failing = await fleet.queue.submit(flaky, { failures: 9 });
    await expect(fleet.queue.waitFor(failing)).rejects.toMatchObject({ code: 'STEP_FAILED' });
    await expect(fleet.queue.waitFor('none')).rejects.toMatchObject({ code: 'STEP_NOT_FOUND' });
    const aborted = AbortSignal.abort();
    await expect(fleet.queue.waitFor(third, { signal: aborted })).rejects.toMatchObject({ code: 'WAIT_ABORTED' });
  });

  test('may be used by handlers, which wait for steps without moving time themselves', async () => {
    const parent = defineStep({
      type: 'parent',
      run: async ({ n }: { n: number }): Promise<number> => {
        const child = await fleet.queue.submit(double, { n }, { delayMs: HOUR });
        return (await fleet.queue.waitFor(child)) + 1;
      },
    });
    await using fleet = testFleet({ steps: [parent, double] });
    const stepId = await fleet.queue.submit(parent, { n: 3 });
    expect(await fleet.drain()).toMatchObject({ completed: 2, elapsedMs: HOUR });
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ result: 7 });
  });

  test('emits what all pods emit', async () => {
    await using fleet = testFleet({ steps: [double], pods: 2, concurrency: 1 });
    const pods: string[] = [];
    let started = 0;
    const remove = fleet.queue.on('step:completed', ({ podId, step }) => {
      pods.push(podId);
      expect(step.updatedAt).toBe(fleet.clock.now());
    });
    fleet.queue.once('step:started', () => started++);
    await fleet.queue.submitMany(double, [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }], { delayMs: 48 * HOUR });
    await fleet.drain();
    expect([...new Set(pods)].sort()).toEqual(['pod-1', 'pod-2']);
    expect([pods.length, started]).toEqual([4, 1]);
    remove();
    await fleet.queue.submit(double, { n: 5 });
    await fleet.drain();
    expect(pods).toHaveLength(4);
  });

  test('registers step types until the pods have started', async () => {
    await using fleet = testFleet();
    const queue = fleet.queue.register('triple', ({ n }: { n: number }) => n * 3).register(double);
    const stepId = await queue.submit({ type: 'triple', args: { n: 2 } });
    expect(await queue.waitFor(stepId)).toBe(6);
    expect(() => queue.register('late', () => undefined)).toThrow(expect.objectContaining({ code: 'REGISTER_LATE' }));
  });

  test('cancels, retries, pauses, reports and lists', async () => {
    await using fleet = testFleet({ steps: [double, flaky], concurrency: 3 });
    await fleet.queue.start();
    const cancelled = await fleet.queue.submit(double, { n: 1 }, { delayMs: HOUR });
    expect(await fleet.queue.cancel(cancelled)).toBe('cancelled');
    const failed = await fleet.queue.submit(flaky, { failures: 1 }, { maxRetries: 0 });
    expect(await fleet.drain()).toMatchObject({ failed: 1 });
    expect(await fleet.queue.retry(failed)).toBe('retried');
    fleet.queue.pause();
    await fleet.clock.advance(10_000);
    expect(await fleet.queue.getStep(failed)).toMatchObject({ status: 'pending' });
    fleet.queue.resume();
    expect(await fleet.drain()).toMatchObject({ failed: 1, elapsedMs: 0 });
    expect(await fleet.queue.stats()).toMatchObject({ activePods: 1, failedSteps: 1, cancelledSteps: 1 });
    expect(fleet.queue.health()).toMatchObject({ podId: 'pod-1', ready: true, maxCapacity: 3 });
    expect(await fleet.queue.leader()).toMatchObject({ currentLeader: 'pod-1' });
    expect(await fleet.queue.pods()).toMatchObject([{ podId: 'pod-1' }]);
    expect((await fleet.steps()).map(({ type, status }) => [type, status])).toEqual([
      ['double', 'cancelled'],
      ['flaky', 'failed'],
    ]);
  });
});

describe('handlers', () => {
  test('run as in production: schema, metadata, log, idempotency key, permanent failures', async () => {
    const lines: unknown[] = [];
    const log = (fields: object, message: string): void => void lines.push([message, fields]);
    const checked = defineStep({
      type: 'checked',
      args: z.object({ at: z.coerce.number() }).refine(async ({ at }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return at > 0;
      }),
      run: ({ at }, { metadata, idempotencyKey, stepId, log: stepLog, attempt, podId, maxRetries }) => {
        stepLog.info({ at }, 'seen');
        if (at === 13) throw new PermanentFailureError('unlucky');
        return { at, metadata, same: idempotencyKey === stepId, attempt, podId, maxRetries };
      },
    });
    const logger = { debug: () => undefined, info: log, warn: log, error: () => undefined };
    await using fleet = testFleet({ steps: [checked], logger });
    const stepId = await fleet.queue.submit(checked, { at: '7' }, { metadata: { user: 'u' } });
    await expect(fleet.queue.submit(checked, { at: -1 })).rejects.toMatchObject({ field: 'args' });
    const unlucky = await fleet.queue.submit(checked, { at: 13 });
    expect(await fleet.drain()).toMatchObject({ completed: 1, failed: 1, runs: 2 });
    expect(await fleet.queue.getStep(stepId)).toMatchObject({
      result: { at: 7, metadata: { user: 'u' }, same: true, attempt: 1, podId: 'pod-1', maxRetries: 3 },
    });
    expect(await fleet.queue.getStep(unlucky)).toMatchObject({ error: { message: 'unlucky' } });
    expect(fleet.runs(checked)).toMatchObject([
      { args: { at: 7 }, attempt: 1, podId: 'pod-1', outcome: 'returned' },
      { args: { at: 13 }, outcome: 'threw' },
    ]);
    expect(lines).toContainEqual(['seen', expect.objectContaining({ at: 7 })]);
  });
});
