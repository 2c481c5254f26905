/** What handlers do with the queue that runs them, and what callers do to many steps at once. */
import { expect, test } from 'vitest';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import { newQueue, nextEvent, temporaryPath } from '../support/queues.js';

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

test('a handler may cancel its own step: its signal aborts, and the step stays cancelled', async () => {
  const reasons: unknown[] = [];
  const queue = newQueue().register('self', async (_: undefined, { stepId, signal }) => {
    const answer = await queue.cancel(stepId);
    reasons.push(answer, signal.aborted, (signal.reason as { code: string }).code);
  });
  const cancelled = nextEvent(queue, 'step:cancelled', ({ by }: { by: string }) => by === 'holder');
  await queue.start();
  const id = await queue.submit({ type: 'self' });
  await cancelled;
  expect(reasons).toEqual(['cancelled', true, 'STEP_CANCELLED']);
  expect(await queue.getStep(id)).toMatchObject({ status: 'cancelled', retryCount: 0 });
});

test('a time-out and a cancel work while the queue drains', async () => {
  const path = temporaryPath();
  const queue = newQueue({ store: sqlite({ path }) })
    .register('slow', (_: undefined, { signal }) => untilAborted(signal), { timeoutMs: 150, maxRetries: 0 })
    .register('long', (_: undefined, { signal }) => untilAborted(signal));
  const started = nextEvent(queue, 'step:started', ({ type }: { type: string }) => type === 'long');
  await queue.start();
  const [slow = '', long = ''] = await queue.submitMany([{ type: 'slow' }, { type: 'long' }]);
  await started;
  const stopping = queue.stop();
  expect(await queue.cancel(long)).toBe('cancelled');
  await stopping;
  const reader = newQueue({ store: sqlite({ path }) });
  expect(await reader.getStep(slow)).toMatchObject({ status: 'failed', error: { code: 'STEP_TIMED_OUT' } });
  expect(await reader.getStep(long)).toMatchObject({ status: 'cancelled' });
});

test('a queue that is paused before start claims nothing, also after a stop', async () => {
  const path = temporaryPath();
  const runtime = new VirtualRuntime();
  const queue = newQueue({ runtime, store: sqlite({ path }) }).register('a', () => 1);
  queue.pause();
  const claimed: string[] = [];
  queue.on('step:claimed', ({ stepId }) => claimed.push(stepId));
  await runtime.until(queue.start());
  const id = await runtime.until(queue.submit({ type: 'a' }));
  await runtime.advance(5_000);
  await runtime.until(queue.stop());
  expect(claimed).toEqual([]);
  expect((await newQueue({ store: sqlite({ path }) }).getStep(id)).status).toBe('pending');
});

test('a batch, and calls of one turn, run in the order of submission', async () => {
  const order: number[] = [];
  const queue = newQueue({ maxParallelism: 1, capacityThreshold: 1 }).register('a', (n: number) => void order.push(n));
  await queue.submitMany([0, 1, 2, 3].map((args) => ({ type: 'a' as const, args, idempotencyKey: `k${9 - args}` })));
  await Promise.all([4, 5, 6].map((args) => queue.submit({ type: 'a', args, stepId: `s${9 - args}` })));
  await queue.start();
  await expect.poll(() => order).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test('a step that another process has claimed but not started never starts once it is cancelled', async () => {
  const path = temporaryPath();
  const started: string[] = [];
  const holder = newQueue({ store: sqlite({ path }), maxParallelism: 1, heartbeatIntervalMs: 30, deadAfterMs: 5_000 });
  holder.register('a', async (_: undefined, { stepId, signal }) => {
    started.push(stepId);
    await untilAborted(signal);
  });
  const running = nextEvent(holder, 'step:started');
  const caller = newQueue({ store: sqlite({ path }) });
  const ids = await caller.submitMany(Array.from({ length: 20 }, () => ({ type: 'a' })) as never);
  await holder.start();
  await running;
  const answers = await Promise.all(ids.map((id) => caller.cancel(id)));
  expect(new Set(answers)).toEqual(new Set(['cancelled']));
  await expect.poll(() => holder.health().currentCapacity).toBe(0);
  expect(started).toHaveLength(1);
  expect(await caller.stats()).toMatchObject({ cancelledSteps: 20, pendingSteps: 0, claimedSteps: 0 });
});

test('many callers that cancel the same steps end each step once', async () => {
  const path = temporaryPath();
  const callers = [1, 2, 3].map(() => newQueue({ store: sqlite({ path }) }));
  const [first] = callers;
  const ids = (await first?.submitMany(Array.from({ length: 100 }, () => ({ type: 'a' })) as never)) ?? [];
  const answers = await Promise.all(callers.flatMap((queue) => ids.map((id) => queue.cancel(id))));
  expect(answers.filter((answer) => answer === 'cancelled')).toHaveLength(100);
  expect(answers.filter((answer) => answer === 'alreadyTerminal')).toHaveLength(200);
});
