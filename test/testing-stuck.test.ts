/** `testFleet`: what it says when a test waits for what will not come, and how it waits for real I/O. */
import { readFile } from 'node:fs/promises';
import { setTimeout as realSleep } from 'node:timers/promises';
import { defineStep } from 'fleet-q';
import { FleetStuckError, testFleet } from 'fleet-q/testing';
import { describe, expect, test, vi } from 'vitest';

const quick = defineStep({ type: 'quick', run: () => undefined });
const hanging = defineStep({
  type: 'hanging',
  timeoutMs: 30_000,
  run: (_: undefined, { signal }) =>
    new Promise<void>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
});

/** The error of a call. */
async function errorOf(call: Promise<unknown>): Promise<FleetStuckError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FleetStuckError);
  return error as FleetStuckError;
}

describe('a fleet that is stuck', () => {
  test('because nobody handles a type', async () => {
    await using fleet = testFleet({ steps: [quick] });
    const stepId = await fleet.queue.submit({ type: 'qick' } as never);
    await fleet.queue.submit(quick);
    const error = await errorOf(fleet.drain());
    expect(error.reason).toBe('unhandled');
    expect(error.left).toEqual([{ stepId, type: 'qick', status: 'pending', why: 'no pod has a handler for "qick"' }]);
    expect(error.message).toContain('pass `ignore` to drain');
    expect(error.message).toContain(`- qick ${stepId}: no pod has a handler`);
    expect(await fleet.drain({ ignore: ['qick'] })).toMatchObject({ runs: 0 });
    expect((await errorOf(fleet.queue.waitFor(stepId as never))).message).toMatch(/^waitFor: no pod has a handler/);
  });

  test('because no pod works', async () => {
    await using fleet = testFleet({ steps: [quick] });
    await fleet.start();
    await fleet.queue.submit(quick);
    fleet.queue.pause();
    expect((await errorOf(fleet.drain())).left).toMatchObject([{ why: 'is due, and no pod that can run it works' }]);
    fleet.queue.resume();
    fleet.pods[0]?.crash({ restart: false });
    expect((await errorOf(fleet.drain())).reason).toBe('no-pod');
    await fleet.addPod();
    await fleet.drain();
    expect(await fleet.steps()).toMatchObject([{ status: 'completed', claimedBy: 'pod-2' }]);
  });

  test('because handlers run without end', async () => {
    const loop = defineStep({ type: 'loop', run: (_: undefined, ctx): void => ctx.release({ delayMs: 60_000 }) });
    const chain = defineStep({
      type: 'chain',
      run: async (n: number, ctx): Promise<void> => void (await ctx.submit(chain, n + 1)),
    });
    await using fleet = testFleet({ steps: [loop, chain], maxRuns: 50 });
    await fleet.queue.submit(loop);
    const error = await errorOf(fleet.drain());
    expect(error).toMatchObject({ reason: 'runs', left: [{ type: 'loop' }] });
    expect(error.message).toContain('50 calls of handlers');
    expect(fleet.runs()).toHaveLength(50);
    await fleet.queue.submit(chain, 1);
    expect(await errorOf(fleet.clock.advance(0))).toMatchObject({ reason: 'runs' });
  });

  test('because it would take too long', async () => {
    await using fleet = testFleet({ steps: [quick], now: new Date('2030-01-01') });
    await fleet.queue.submit(quick, undefined, { delayMs: 90_000 });
    const error = await errorOf(fleet.drain({ withinMs: 60_000 }));
    expect(error).toMatchObject({
      reason: 'time',
      left: [{ why: 'runs at 2030-01-01T00:01:30.000Z, in 30000 ms' }],
    });
    expect(error.message).toMatch(/^drain: 60000 ms of virtual time have passed/);
  });

  test('because a handler does not return', async () => {
    await using fleet = testFleet({ steps: [hanging], realTimeoutMs: 100 });
    const stepId = await fleet.queue.submit(hanging, undefined, { maxRetries: 0 });
    const error = await errorOf(fleet.drain());
    expect(error).toMatchObject({ reason: 'running', left: [{ status: 'claimed', why: 'its handler runs on pod-1' }] });
    expect(error.message).toContain('pass { whileRunning: true }');
    await errorOf(fleet.clock.advance(1_000));
    expect(await fleet.drain({ whileRunning: true })).toMatchObject({ failed: 1, elapsedMs: 30_000 });
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ error: { code: 'STEP_TIMED_OUT' } });
  });

  test('because a handler would move the time that waits for it', async () => {
    const moving = defineStep({ type: 'moving', run: async (): Promise<void> => void (await fleet.drain()) });
    await using fleet = testFleet({ steps: [moving] });
    const stepId = await fleet.queue.submit(moving, undefined, { maxRetries: 0 });
    expect(await fleet.drain()).toMatchObject({ failed: 1 });
    const { error } = await fleet.queue.getStep(stepId);
    expect(error?.message).toContain('use clock.sleep() in handlers');
  });
});

describe('real I/O', () => {
  test('is waited for: neither time-outs nor later steps run ahead of it', async () => {
    const order: string[] = [];
    const reading = defineStep({
      type: 'reading',
      timeoutMs: 5,
      run: async () => {
        await readFile(new URL(import.meta.url));
        await realSleep(60);
        order.push('read');
        return 'read';
      },
    });
    const later = defineStep({ type: 'later', run: () => void order.push('later') });
    await using fleet = testFleet({ steps: [reading, later] });
    const stepId = await fleet.queue.submit(reading);
    await fleet.queue.submit(later, undefined, { delayMs: 3 });
    await fleet.clock.advance(10);
    expect(order).toEqual(['read', 'later']);
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', retryCount: 0 });
  });

  test('is aborted when the fleet stops', async () => {
    const fleet = testFleet({ steps: [hanging], realTimeoutMs: 50 });
    await fleet.queue.submit(hanging);
    await errorOf(fleet.drain());
    const [run] = fleet.runs();
    await fleet.stop();
    expect(run).toMatchObject({ outcome: 'threw' });
    await fleet.stop();
    await expect(fleet.drain()).rejects.toMatchObject({ code: 'STOPPED' });
    await expect(fleet.queue.submit(hanging)).rejects.toMatchObject({ code: 'STOPPED' });
  });

  test('of a pod that has died ends when the fleet stops', async () => {
    const aborted: unknown[] = [];
    const waiting = defineStep({
      type: 'waiting',
      run: (_: undefined, { signal }) =>
        new Promise<void>(() => signal.addEventListener('abort', () => aborted.push(signal.reason))),
    });
    const fleet = testFleet({ steps: [waiting], realTimeoutMs: 50 });
    await fleet.queue.submit(waiting);
    await errorOf(fleet.drain());
    fleet.pods[0]?.crash({ restart: false });
    expect(aborted).toEqual([]);
    await fleet.stop();
    expect(aborted).toMatchObject([{ code: 'STOPPED' }]);
  });

  test('and fake timers of the test runner do not hinder it', async () => {
    vi.useFakeTimers();
    try {
      const faked = defineStep({
        type: 'faked',
        run: () => new Promise<void>((resolve) => setTimeout(resolve, 5_000)),
      });
      await using fleet = testFleet({ steps: [quick, faked] });
      await fleet.queue.submit(quick, undefined, { delayMs: 60_000 });
      expect(await fleet.drain()).toMatchObject({ completed: 1 });
      await fleet.queue.submit(faked);
      const drained = fleet.drain();
      while (vi.getTimerCount() === 0) await fleet.queue.stats();
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await drained).toMatchObject({ completed: 1, elapsedMs: 0 });
    } finally {
      vi.useRealTimers();
    }
  });
});
