/** The queue at work, end to end on the embedded store: what becomes of a step, and which events report it. */
import { getEventListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { defineStep, FleetQ, PermanentFailureError, RetryLaterError, StepFailedError, type StepContext } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import { faultySqlite, newQueue, nextEvent, QUICK, stopped } from '../support/queues.js';

/** A gate: a handler waits until the test opens it. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

describe('a step', () => {
  test('runs, and its result comes back typed', async () => {
    const queue = newQueue().register('add', ({ a, b }: { a: number; b: number }) => ({ sum: a + b }));
    await queue.start();
    const id = await queue.submit({ type: 'add', args: { a: 1, b: 2 }, metadata: { user: 'alice' } });
    expect(await queue.waitFor(id)).toEqual({ sum: 3 });
    expect(await queue.getStep(id)).toMatchObject({
      stepId: id,
      type: 'add',
      status: 'completed',
      args: { a: 1, b: 2 },
      metadata: { user: 'alice' },
      result: { sum: 3 },
      retryCount: 0,
      maxRetries: 3,
      claimedBy: queue.podId,
    });
  });

  test('a handler that returns nothing completes with undefined', async () => {
    const queue = newQueue().register('nothing', () => undefined);
    await queue.start();
    await expect(queue.waitFor(await queue.submit({ type: 'nothing' }))).resolves.toBeUndefined();
  });

  test('a failed step is tried again at most maxRetries times, and each attempt gets its number', async () => {
    const attempts: number[] = [];
    const queue = newQueue().register('fail', (_: undefined, { attempt }) => {
      attempts.push(attempt);
      throw Object.assign(new Error('no luck', { cause: new Error('rain') }), { code: 'E_LUCK' });
    });
    await queue.start();
    const id = await queue.submit({ type: 'fail', maxRetries: 2 });
    const error: unknown = await queue.waitFor(id).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StepFailedError);
    expect(error).toMatchObject({
      code: 'STEP_FAILED',
      cause: { message: 'no luck', code: 'E_LUCK', cause: { message: 'rain' } },
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect(await queue.getStep(id)).toMatchObject({ status: 'failed', retryCount: 2, error: { message: 'no luck' } });
  });

  test('the retry policy of a type overrides that of the queue, field by field', async () => {
    const retry = { baseMs: 0, capMs: 600_000, factor: 1 };
    const queue = newQueue({ retry: { ...retry, baseMs: 600_000 } })
      .register('own', () => Promise.reject(new Error('no')), { maxRetries: 1, retry: { baseMs: 0 } })
      .register('capped', () => Promise.reject(new Error('no')), { maxRetries: 1, retry: { capMs: 0 } });
    await queue.start();
    for (const type of ['own', 'capped'] as const) {
      await expect(queue.waitFor(await queue.submit({ type }))).rejects.toBeInstanceOf(StepFailedError);
    }
  });

  test('a PermanentFailureError is not tried again', async () => {
    let runs = 0;
    const queue = newQueue().register('never', () => {
      runs++;
      throw new PermanentFailureError('give up');
    });
    await queue.start();
    await expect(queue.waitFor(await queue.submit({ type: 'never' }))).rejects.toMatchObject({
      cause: { message: 'give up' },
    });
    expect(runs).toBe(1);
  });

  test('RetryLaterError retries at its time and is charged; release is not charged', async () => {
    const seen: string[] = [];
    const queue = newQueue()
      .register('later', (_: undefined, { attempt }) => {
        seen.push(`later ${attempt}`);
        if (attempt === 1) throw new RetryLaterError(5);
      })
      .register('release', (_: undefined, ctx) => {
        seen.push(`release ${ctx.attempt}`);
        if (seen.filter((each) => each.startsWith('release')).length === 1) ctx.release({ delayMs: 5 });
      });
    const retrying = nextEvent(queue, 'step:retrying');
    const released = nextEvent(queue, 'step:released');
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'later' }));
    await queue.waitFor(await queue.submit({ type: 'release' }));
    expect(seen).toEqual(['later 1', 'later 2', 'release 1', 'release 1']);
    expect(await retrying).toMatchObject({ type: 'later', delayMs: 5 });
    expect(await released).toMatchObject({ type: 'release', reason: 'handler', delayMs: 5 });
  });

  test('a handler that runs out of time is aborted, and the attempt is charged', async () => {
    const reasons: unknown[] = [];
    const queue = newQueue().register(
      'slow',
      async (_: undefined, { signal }) => {
        await pause(5_000, undefined, { signal }).catch(() => reasons.push(signal.reason));
        throw new Error('aborted');
      },
      { timeoutMs: 20, maxRetries: 1 },
    );
    const timedOut = nextEvent(queue, 'step:timedOut');
    await queue.start();
    await expect(queue.waitFor(await queue.submit({ type: 'slow' }))).rejects.toMatchObject({
      cause: { code: 'STEP_TIMED_OUT' },
    });
    expect(await timedOut).toMatchObject({ timeoutMs: 20 });
    expect(reasons).toMatchObject([{ code: 'STEP_TIMED_OUT' }, { code: 'STEP_TIMED_OUT' }]);
  });

  test('cancel aborts the handler of a running step at once, and a pending step never runs', async () => {
    const running = gate();
    let reason: unknown;
    const queue = newQueue().register('long', async (_: undefined, { signal }) => {
      running.open();
      await pause(5_000, undefined, { signal }).catch(() => (reason = signal.reason));
    });
    await queue.start();
    const id = await queue.submit({ type: 'long' });
    await running.opened;
    expect(await queue.cancel(id)).toBe('cancelled');
    await expect(queue.waitFor(id)).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
    expect(await queue.cancel(id)).toBe('alreadyTerminal');
    expect(await queue.cancel('nobody')).toBe('notFound');
    await expect.poll(() => reason).toMatchObject({ code: 'STEP_CANCELLED' });
    const later = await queue.submit({ type: 'long', delayMs: 600_000 });
    expect(await queue.cancel(later)).toBe('cancelled');
  });

  test('retry() resets the counts of a failed step, and does not change other steps', async () => {
    let broken = true;
    const queue = newQueue().register('fix', () => {
      if (broken) throw new PermanentFailureError('broken');
      return 'fixed';
    });
    await queue.start();
    const id = await queue.submit({ type: 'fix' });
    await expect(queue.waitFor(id)).rejects.toMatchObject({ code: 'STEP_FAILED' });
    broken = false;
    expect(await queue.retry(id)).toBe('retried');
    expect(await queue.waitFor(id)).toBe('fixed');
    expect(await queue.retry(id)).toBe('notRetryable');
    expect(await queue.retry('nobody')).toBe('notFound');
  });

  test('a schema is checked at submit, and the handler gets its output', async () => {
    const step = defineStep({
      type: 'z',
      args: z.object({ n: z.string().transform(Number), m: z.number().default(7) }),
      run: ({ n, m }) => n + m,
    });
    const queue = stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [step], ...QUICK }));
    await queue.start();
    const id = await queue.submit({ type: 'z', args: { n: '5' } });
    expect(await queue.waitFor(id)).toBe(12);
    expect((await queue.getStep(id)).args).toEqual({ n: '5' });
  });

  test('stored args that no longer fit the schema are a permanent failure', async () => {
    const factory = faultySqlite();
    const step = defineStep({ type: 'z', args: z.object({ n: z.number() }), run: ({ n }) => n });
    const queue = stopped(new FleetQ({ store: factory, steps: [step], ...QUICK }));
    await queue.start();
    const payload = '{"type":"z","args":{"n":"old"}}';
    await factory.store.submit([
      { stepId: 'old', type: 'z', payload, priority: 0, maxRetries: 3, delayMs: 0, runAt: null },
    ]);
    await expect(queue.waitFor('old')).rejects.toMatchObject({ cause: { code: 'STEP_ARGS_MISMATCH' } });
  });

  test('a result that JSON cannot hold, or that is too large, fails the step permanently', async () => {
    const queue = newQueue({ maxPayloadBytes: 1_000 })
      .register('big', () => 1n as never)
      .register('large', () => 'x'.repeat(2_000));
    await queue.start();
    const unserializable = await queue.submit({ type: 'big' });
    await expect(queue.waitFor(unserializable)).rejects.toMatchObject({
      cause: { code: 'RESULT_UNSERIALIZABLE', message: expect.stringContaining('1n') as string },
    });
    await expect(queue.waitFor(await queue.submit({ type: 'large' }))).rejects.toMatchObject({
      cause: { code: 'RESULT_TOO_LARGE' },
    });
    expect((await queue.getStep(unserializable)).retryCount).toBe(0);
  });

  test('the context has everything that a handler needs', async () => {
    const contexts: StepContext[] = [];
    const queue = newQueue().register('ctx', (_: undefined, ctx) => {
      contexts.push(ctx);
      ctx.log.info({ extra: 1 }, 'at work');
      if (ctx.attempt === 1) throw new Error('again');
    });
    await queue.start();
    const id = await queue.submit({ type: 'ctx', metadata: { trace: 't' }, maxRetries: 4 });
    await queue.waitFor(id);
    const [first, second] = contexts;
    expect(first).toMatchObject({
      stepId: id,
      type: 'ctx',
      attempt: 1,
      maxRetries: 4,
      metadata: { trace: 't' },
      podId: queue.podId,
    });
    expect(second?.attempt).toBe(2);
    expect(second?.idempotencyKey).toBe(first?.idempotencyKey);
    expect(first?.signal).toBeInstanceOf(AbortSignal);
  });
});

describe('submitting', () => {
  test('an idempotency key makes one step, and the receipt reports other args', async () => {
    const queue = newQueue().register('pay', ({ amount }: { amount: number }) => amount);
    const first = await queue.submitWithReceipt({ type: 'pay', args: { amount: 1 }, idempotencyKey: 'order-1' });
    expect(first.receipt).toBe('created');
    expect(await queue.submitWithReceipt({ type: 'pay', args: { amount: 1 }, idempotencyKey: 'order-1' })).toEqual({
      stepId: first.stepId,
      receipt: 'duplicate',
    });
    expect(await queue.submitWithReceipt({ type: 'pay', args: { amount: 2 }, idempotencyKey: 'order-1' })).toEqual({
      stepId: first.stepId,
      receipt: 'mismatch',
    });
    expect((await queue.stats()).pendingSteps).toBe(1);
    expect((await queue.getStep(first.stepId)).args).toEqual({ amount: 1 });
  });

  test('a lost reply is retried under the same id and makes no second step', async () => {
    const factory = faultySqlite(({ verb, nth }) => (verb === 'submit' && nth < 2 ? { fails: 'after' } : undefined));
    const queue = newQueue({ store: factory }).register('a', () => 1);
    await queue.submit({ type: 'a' });
    expect(factory.store.count('submit')).toBe(3);
    expect((await queue.stats()).pendingSteps).toBe(1);
  });

  test('an unanswered cancel or retry is sent again, and returns what was done', async () => {
    const factory = faultySqlite(({ verb, nth }) =>
      (verb === 'cancel' || verb === 'retry') && nth < 2 ? { fails: 'after' } : undefined,
    );
    const queue = newQueue({ store: factory }).register('a', () => 1);
    const cancelledBy: unknown[] = [];
    queue.on('step:cancelled', ({ by }) => cancelledBy.push(by));
    const id = await queue.submit({ type: 'a' });
    expect(await queue.cancel(id)).toBe('cancelled');
    expect(cancelledBy).toEqual(['caller']);
    expect(await queue.retry(id)).toBe('retried');
    expect((await queue.getStep(id)).status).toBe('pending');
    expect([factory.store.count('cancel'), factory.store.count('retry')]).toEqual([3, 3]);
  });

  test('concurrent calls share a commit', async () => {
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('a', (n: number) => n);
    await queue.submit({ type: 'a', args: 0 });
    const before = factory.store.count('submit');
    const ids = await Promise.all(Array.from({ length: 300 }, (_, args) => queue.submit({ type: 'a', args })));
    expect(new Set(ids).size).toBe(300);
    expect(factory.store.count('submit') - before).toBe(1);
  });

  test('submitMany writes in bounded commits and keeps the order of the call', async () => {
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('a', (n: number) => n);
    const ids = await queue.submitMany(Array.from({ length: 1_201 }, (_, args) => ({ type: 'a', args })));
    expect(factory.store.count('submit')).toBe(3);
    const listed: unknown[] = [];
    for await (const step of queue.listSteps({ pageSize: 500 })) listed.push(step.stepId);
    expect(listed).toEqual(ids);
  });

  test('receipts come in the order of the call, and a step that is given twice is one step', async () => {
    const queue = newQueue().register('a', (n: number) => n);
    await queue.submit({ type: 'a', args: 1, stepId: 'one' });
    const receipts = await queue.submitManyWithReceipts([
      { type: 'a', args: 9, stepId: 'one' },
      { type: 'a', args: 2, stepId: 'two' },
      { type: 'a', args: 2, stepId: 'two' },
    ]);
    expect(receipts).toEqual([
      { stepId: 'one', receipt: 'mismatch' },
      { stepId: 'two', receipt: 'created' },
      { stepId: 'two', receipt: 'duplicate' },
    ]);
    expect(await queue.stats()).toMatchObject({ pendingSteps: 2 });
  });

  test('long payloads are split into smaller commits, so that no commit takes long', async () => {
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('a', (text: string) => text.length);
    const ids = await queue.submitMany(Array.from({ length: 20 }, () => ({ type: 'a', args: 'x'.repeat(200_000) })));
    expect(new Set(ids).size).toBe(20);
    expect(factory.store.count('submit')).toBe(5);
    await Promise.all(Array.from({ length: 20 }, () => queue.submit({ type: 'a', args: 'x'.repeat(200_000) })));
    expect(factory.store.count('submit')).toBe(10);
    expect((await queue.stats()).pendingSteps).toBe(40);
  });

  test('a submitMany that fails half way lists the steps that are stored', async () => {
    const factory = faultySqlite(({ verb, nth }) => (verb === 'submit' && nth >= 1 ? { fails: 'before' } : undefined));
    const queue = newQueue({ store: factory }).register('a', (n: number) => n);
    const error: unknown = await queue
      .submitMany(Array.from({ length: 1_000 }, (_, args) => ({ type: 'a', args })))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SUBMIT_INCOMPLETE' });
    const { stepIds } = error as { stepIds: string[] };
    expect(stepIds).toHaveLength(500);
    expect((await queue.stats()).pendingSteps).toBe(500);
  });

  test('priority first, then age; a delayed step waits', async () => {
    const order: string[] = [];
    const runtime = new VirtualRuntime();
    const queue = newQueue({ runtime, maxParallelism: 1 }).register('a', (name: string) => void order.push(name));
    for (const step of [
      { args: 'delayed', priority: 9, delayMs: 60_000 },
      { args: 'first' },
      { args: 'second' },
      { args: 'urgent', priority: 5 },
    ])
      await runtime.until(queue.submit({ type: 'a', ...step }));
    await runtime.until(queue.start());
    await runtime.advance(59_000);
    expect(order).toEqual(['urgent', 'first', 'second']);
    await runtime.advance(2_000);
    expect(order).toEqual(['urgent', 'first', 'second', 'delayed']);
  });
});

describe('waiting', () => {
  test('a thousand waiters share one query to the store', async () => {
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('a', (n: number) => n);
    const ids = await queue.submitMany(Array.from({ length: 1_000 }, (_, args) => ({ type: 'a', args })));
    const results = Promise.all(ids.map((id) => queue.waitFor(id)));
    await expect.poll(() => factory.store.count('find')).toBeGreaterThan(0);
    await queue.start();
    expect(await results).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    const asked = factory.store.calls.filter(({ verb }) => verb === 'find').map(({ args: [of] }) => of as string[]);
    expect(asked[0]).toHaveLength(1_000);
    expect(asked.length).toBeLessThan(100);
  });

  test('thousands of waiters on one signal leave no listener on it, and cause no leak warning', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const queue = newQueue().register('a', () => 1);
    const id = await queue.submit({ type: 'a' });
    const { signal } = new AbortController();
    const waits = Array.from({ length: 3_000 }, () => queue.waitFor(id, { signal, timeoutMs: 60_000 }));
    await queue.start();
    await Promise.all(waits);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(warned).not.toHaveBeenCalled();
  });

  test('a step that is pruned during a wait is not found', async () => {
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('a', () => 1);
    const id = await queue.submit({ type: 'a' });
    const wait = queue.waitFor(id);
    const refused = expect(wait).rejects.toMatchObject({ code: 'STEP_NOT_FOUND' });
    await expect.poll(() => factory.store.count('ended')).toBe(1);
    // It ends and is deleted before the next poll.
    factory.store.plan = ({ verb }) => (verb === 'ended' || verb === 'find' ? { delayMs: 50 } : undefined);
    await queue.cancel(id);
    while ((await factory.store.prune({ keepMs: -60_000 })).more);
    await refused;
  });

  test('a wait can end early, and the step continues', async () => {
    const queue = newQueue().register('a', () => 1);
    const id = await queue.submit({ type: 'a' });
    await expect(queue.waitFor(id, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT', timeoutMs: 20 });
    const stop = new AbortController();
    const wait = queue.waitFor(id, { signal: stop.signal });
    stop.abort(new Error('bored'));
    await expect(wait).rejects.toMatchObject({ code: 'WAIT_ABORTED', cause: { message: 'bored' } });
    await expect(queue.waitFor(id, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'WAIT_ABORTED' });
    await expect(queue.waitFor('nobody')).rejects.toMatchObject({ code: 'STEP_NOT_FOUND', stepId: 'nobody' });
    const open = queue.waitFor(id);
    const refused = expect(open).rejects.toMatchObject({ code: 'STOPPED' });
    await queue.stop();
    await refused;
  });
});

describe('isolation', () => {
  test('a listener that throws or rejects affects nothing else', async () => {
    const queue = newQueue().register('a', () => 1);
    const heard: string[] = [];
    queue.on('step:completed', () => {
      throw new Error('listener');
    });
    queue.on('step:completed', () => Promise.reject(new Error('listener')));
    queue.on('step:completed', ({ type }) => heard.push(type));
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'a' }));
    await expect.poll(() => heard).toEqual(['a']);
  });

  test('a step whose type no pod handles waits, and the stats show it', async () => {
    const queue = newQueue().register('known', () => 1);
    await queue.start();
    const id = await queue.submit({ type: 'unknown' } as never);
    await queue.waitFor(await queue.submit({ type: 'known' }));
    expect(await queue.stats()).toMatchObject({ pendingSteps: 1, completedSteps: 1, unhandledTypes: ['unknown'] });
    expect(await queue.getStep(id)).toMatchObject({ status: 'pending' });
  });

  test('a handler that never settles is a stray: it keeps its slot, and stop resolves all the same', async () => {
    const queue = newQueue({ maxParallelism: 2, capacityThreshold: 1, drainTimeoutMs: 20, abortGraceMs: 20 })
      .register('hang', () => new Promise<never>(() => undefined), { timeoutMs: 20, maxRetries: 0 })
      .register('a', () => 1);
    const drained = nextEvent(queue, 'queue:stopped');
    await queue.start();
    const id = await queue.submit({ type: 'hang' });
    await expect(queue.waitFor(id)).rejects.toMatchObject({ cause: { code: 'STEP_TIMED_OUT' } });
    expect((await queue.stats()).strays).toBe(1);
    expect(await queue.waitFor(await queue.submit({ type: 'a' }))).toBe(1);
    await expect(queue.waitFor(await queue.submit({ type: 'hang' }))).rejects.toMatchObject({ code: 'STEP_FAILED' });
    expect(queue.health()).toMatchObject({
      status: 'unhealthy',
      problems: [expect.stringContaining('slots') as string],
    });
    await queue.stop();
    expect(await drained).toMatchObject({ strays: 2 });
  });
});

describe('stopping and pausing', () => {
  test('stop lets running steps finish, and gives unstarted ones back uncharged', async () => {
    const factory = faultySqlite();
    const running = gate();
    const go = gate();
    const queue = newQueue({ store: factory, maxParallelism: 1, capacityThreshold: 1 }).register(
      'a',
      async (n: number) => {
        running.open();
        await go.opened;
        return n;
      },
    );
    const [first] = await queue.submitMany([
      { type: 'a', args: 1 },
      { type: 'a', args: 2 },
    ]);
    await queue.start();
    await running.opened;
    let ended: unknown;
    queue.on('step:completed', ({ stepId }) => (ended = stepId));
    const stopping = queue.stop();
    go.open();
    await stopping;
    expect(ended).toBe(first);
  });

  test('pause stops claiming until resume', async () => {
    const queue = newQueue().register('a', () => 1);
    queue.pause();
    await queue.start();
    const id = await queue.submit({ type: 'a' });
    await expect(queue.waitFor(id, { timeoutMs: 60 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
    queue.resume();
    expect(await queue.waitFor(id)).toBe(1);
  });
});
