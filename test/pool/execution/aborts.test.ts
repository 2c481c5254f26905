import { describe, expect, test } from 'vitest';
import type { StepContext } from '../../../src/step/handler-context.js';
import { gate, POD, Rig, running } from '../support/rig.js';

/** Ends when its signal does, by throwing the reason. */
const obedient = (_: unknown, { signal }: StepContext) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const lateSchema = {
  '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value }) },
};
const never = () => new Promise(() => undefined);

describe('a time-out', () => {
  test('aborts the handler and is charged', async () => {
    const reasons: unknown[] = [];
    const rig = await running(
      {
        slow: (_, ctx) => {
          ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason));
          return obedient(_, ctx);
        },
      },
      { timeoutMs: 1_000 },
      ({ store }) => store.add('s1', 'slow'),
    );
    await rig.runtime.advance(999);
    expect(rig.store.row('s1').status).toBe('claimed');
    await rig.runtime.advance(1);
    expect(reasons).toMatchObject([{ code: 'STEP_TIMED_OUT' }]);
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 1 });
    expect(JSON.parse(rig.store.row('s1').error!)).toMatchObject({ code: 'STEP_TIMED_OUT' });
    expect(rig.events('step:timedOut')).toMatchObject([{ stepId: 's1', timeoutMs: 1_000 }]);
    expect(rig.events('step:retrying')).toHaveLength(1);
  });

  test.each([
    ['gives the step back', (ctx: StepContext) => ctx.release()],
    ['throws an error of its own', () => Promise.reject(new Error('x'))],
  ])('is charged also if the handler %s', async (_, then) => {
    const handler = async (args: unknown, ctx: StepContext) => {
      await obedient(args, ctx).catch(() => undefined);
      return then(ctx);
    };
    const rig = await running({ slow: { timeoutMs: 50, run: handler } }, {}, ({ store }) => store.add('s1', 'slow'));
    await rig.runtime.advance(60);
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 1, result: null });
  });

  test('of the type takes precedence over the queue’s', async () => {
    const rig = await running(
      { quick: { timeoutMs: 10, run: obedient }, slow: obedient },
      { timeoutMs: 1_000 },
      ({ store }) => {
        store.add('q', 'quick');
        store.add('s', 'slow');
      },
    );
    await rig.runtime.advance(11);
    expect(rig.events('step:timedOut').map(({ stepId }) => stepId)).toEqual(['q']);
    await rig.runtime.advance(1_000);
    expect(rig.events('step:timedOut').map(({ stepId }) => stepId)).toContain('s');
  });

  test('uses one timer for all handlers', async () => {
    const rig = await running({ slow: obedient }, { timeoutMs: 5_000, maxParallelism: 100 }, ({ store }) => {
      store.addMany(100, 'slow');
    });
    expect(rig.runtime.pending).toBeLessThanOrEqual(2); // this one, and the loop's
  });

  test('a signal that is first read after the abort is aborted', async () => {
    const open = gate();
    const seen = gate<AbortSignal>();
    const handler = async (_: unknown, ctx: StepContext) => {
      await open.promise;
      seen.open(ctx.signal);
    };
    const rig = await running({ slow: { timeoutMs: 10, run: handler } }, {}, ({ store }) => store.add('s1', 'slow'));
    await rig.runtime.advance(20);
    open.open();
    const signal = await seen.promise;
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'STEP_TIMED_OUT' });
  });
});

describe('a cancel', () => {
  test('aborts a running handler at once', async () => {
    const rig = await running({ slow: obedient }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.cancel('s1');
    rig.pool.abort('s1', Infinity);
    await rig.runtime.settle();
    expect(rig.events('step:cancelled')).toEqual([{ stepId: 's1', type: 'slow', by: 'holder', latencyMs: 0 }]);
    expect(rig.pool.load.running).toBe(0);
    expect(rig.events('step:lost')).toEqual([]);
  });

  test('by another process aborts the handler as soon as the store reports a change', async () => {
    let changed = (): void => undefined;
    const watch = (onChange: () => void) => {
      changed = onChange;
      return () => undefined;
    };
    const reason = gate<unknown>();
    const handler = (_: unknown, ctx: StepContext) => {
      ctx.signal.addEventListener('abort', () => reason.open(ctx.signal.reason));
      return obedient(_, ctx);
    };
    const rig = await running({ slow: handler }, { watch }, ({ store }) => store.add('s1', 'slow'));
    rig.store.cancel('s1');
    changed();
    await rig.runtime.advance(20);
    expect(await reason.promise).toMatchObject({ code: 'STEP_CANCELLED' });
    expect(rig.events('step:cancelled')).toEqual([{ stepId: 's1', type: 'slow', by: 'holder', latencyMs: 5 }]);
  });

  test('leaves a claim alone that was made after the step was retried', async () => {
    const rig = await running({ slow: obedient }, {}, ({ store }) => store.add('s1', 'slow'));
    const [claim] = rig.store.held(POD);
    rig.pool.abort('s1', claim!.version); // the row that was cancelled had this version, or an earlier one
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(1);
    expect(rig.events('step:cancelled')).toEqual([]);
    rig.pool.abort('s1', claim!.version + 1);
    await rig.runtime.settle();
    expect(rig.events('step:cancelled')).toHaveLength(1);
  });

  test('by another process leaves a claim alone that was made after the store was asked', async () => {
    let changed = (): void => undefined;
    const watch = (onChange: () => void) => {
      changed = onChange;
      return () => undefined;
    };
    const [leave, answer] = [gate<undefined>(), gate<undefined>()];
    let runs = 0;
    const handler = async (_: unknown, ctx: StepContext) => {
      if (++runs > 1) return obedient(_, ctx);
      await leave.promise;
      return ctx.release({ delayMs: 0 });
    };
    const rig = await running({ slow: handler }, { watch }, ({ store }) => store.add('s1', 'slow'));
    rig.store.cancelled = async () => {
      await answer.promise;
      return [{ stepId: 's1', agoMs: 5 }]; // it was cancelled then, and retried
    };
    changed();
    await rig.runtime.advance(1);
    leave.open(undefined);
    await rig.runtime.advance(200);
    expect(runs).toBe(2);
    answer.open(undefined);
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(1);
    expect(rig.events('step:cancelled')).toEqual([]);
  });

  test('is queried at most once in 20 ms, however often the store changes', async () => {
    let changed = (): void => undefined;
    const watch = (onChange: () => void) => {
      changed = onChange;
      return () => undefined;
    };
    const rig = await running({ slow: obedient }, { watch }, ({ store }) => store.add('s1', 'slow'));
    const { cancelled } = rig.store;
    let questions = 0;
    rig.store.cancelled = (stepIds) => {
      questions++;
      return cancelled(stepIds);
    };
    for (let i = 0; i < 100; i++) {
      changed();
      await rig.runtime.advance(1);
    }
    expect(questions).toBeGreaterThanOrEqual(4);
    expect(questions).toBeLessThanOrEqual(6);
    rig.store.cancel('s1');
    changed();
    await rig.runtime.advance(25); // a change between two questions is not lost
    expect(rig.events('step:cancelled')).toHaveLength(1);
  });

  test('gives the reason STEP_CANCELLED', async () => {
    const reason = gate<unknown>();
    const handler = (_: unknown, ctx: StepContext) => {
      ctx.signal.addEventListener('abort', () => reason.open(ctx.signal.reason));
      return obedient(_, ctx);
    };
    const rig = await running({ slow: handler }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.pool.abort('s1', Infinity);
    expect(await reason.promise).toMatchObject({ name: 'FleetQError', code: 'STEP_CANCELLED' });
  });

  test('of a step that has not started prevents its start', async () => {
    const rig = await running({ slow: { concurrency: 1, run: obedient } }, {}, ({ store }) => {
      store.addMany(2, 'slow');
      const { exchange } = store;
      // A store that gives more than was asked for: what came too much waits.
      store.exchange = async (request) =>
        exchange(request.claim ? { ...request, claim: { ...request.claim, types: new Map([['slow', 2]]) } } : request);
    });
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 1, unsettled: 0 });
    rig.pool.abort('slow-00001', rig.store.row('slow-00001').version); // an earlier claim of the step was meant
    await rig.runtime.settle();
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 1, unsettled: 0 });
    rig.store.cancel('slow-00001');
    rig.pool.abort('slow-00001', Infinity);
    await rig.runtime.settle();
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 0, unsettled: 0 });
    expect(rig.events('step:started')).toHaveLength(1);
    expect(rig.events('step:cancelled')).toMatchObject([{ stepId: 'slow-00001', latencyMs: 0 }]);
  });

  test.each([
    ['while its type makes it wait for a microtask', { concurrency: 1 }],
    ['while its args are checked', { args: lateSchema }],
  ])('of a step whose handler has not been called yet, %s, prevents the call', async (_, options) => {
    let called = false;
    const rig = await running({ slow: { ...options, run: () => (called = true) } });
    rig.store.add('s1', 'slow');
    rig.store.after = ({ claim }) => {
      if (claim === undefined) return;
      rig.store.after = () => undefined;
      rig.onStarted = (stepId) => rig.pool.abort(stepId, Infinity);
    };
    rig.pool.wake();
    await rig.runtime.settle();
    expect(called).toBe(false);
    expect(rig.store.row('s1').status).toBe('cancelled');
  });

  test('of a step that is not here does nothing', async () => {
    const rig = await running({ slow: obedient });
    rig.pool.abort('elsewhere', Infinity);
    await rig.runtime.settle();
    expect(rig.emitted).toEqual([]);
  });
});

describe('strays', () => {
  const stray = (options = {}) =>
    running(
      { deaf: { timeoutMs: 100, run: never } },
      { abortGraceMs: 500, maxParallelism: 2, ...options },
      ({ store }) => {
        store.add('s1', 'deaf', { maxRetries: 0 });
      },
    );

  test('keep their slots: after the grace the claim is settled without the handler', async () => {
    const rig = await stray();
    await rig.runtime.advance(599);
    expect(rig.store.row('s1').status).toBe('claimed');
    await rig.runtime.advance(1);
    expect(rig.store.row('s1').status).toBe('failed');
    expect(rig.events('step:timedOut')).toHaveLength(1);
    expect(rig.pool.load).toMatchObject({ running: 0, strays: 1 });
    const planner = rig.store.requests.at(-1)!.claim!;
    expect(planner.free).toBe(1);
  });

  test('free their slots when they return, and nothing is settled twice', async () => {
    const open = gate();
    const rig = await running(
      { deaf: { timeoutMs: 100, run: () => open.promise } },
      { abortGraceMs: 500, maxParallelism: 1 },
      ({ store }) => {
        store.add('s1', 'deaf', { maxRetries: 0 });
        store.add('s2', 'deaf', { maxRetries: 0 });
      },
    );
    await rig.runtime.advance(5_000);
    expect(rig.pool.load).toMatchObject({ running: 0, strays: 1 });
    expect(rig.store.row('s2').status).toBe('pending');
    open.open();
    await rig.runtime.settle();
    expect(rig.pool.load.strays).toBe(0);
    expect(rig.store.row('s2').status).toBe('completed');
    const settled = rig.store.requests.flatMap(({ settlements }) => settlements.map(({ stepId }) => stepId));
    expect(settled).toEqual(['s1', 's2']);
  });

  test('block their own step, which is given back with a growing delay', async () => {
    const rig = await running(
      { deaf: { timeoutMs: 100, run: never } },
      { abortGraceMs: 0, retry: { baseMs: 1, factor: 1 } },
      ({ store }) => store.add('s1', 'deaf', { maxRetries: 9 }),
    );
    await rig.runtime.advance(150_000);
    const blocked = rig.events('step:released');
    expect(blocked.map(({ reason }) => reason as string)).toEqual(blocked.map(() => 'blocked'));
    expect(blocked.map(({ delayMs }) => delayMs as number)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]);
    expect(rig.events('step:started')).toHaveLength(1);
    expect(rig.store.row('s1').retryCount).toBe(1);
  });

  test('count against the concurrency of their type', async () => {
    const rig = await running(
      { deaf: { concurrency: 1, timeoutMs: 100, run: never }, other: () => 1 },
      { abortGraceMs: 0 },
      ({ store }) => {
        store.add('s1', 'deaf', { maxRetries: 0 });
        store.add('s2', 'deaf', { maxRetries: 0 });
      },
    );
    await rig.runtime.advance(10_000);
    expect(rig.store.row('s2').status).toBe('pending');
    expect([...rig.store.requests.at(-1)!.claim!.types.keys()]).toEqual(['other']);
  });

  test('block a step that still runs here under an older claim', async () => {
    const rig = await running({ slow: never }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.requeue('s1');
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.events('step:started')).toHaveLength(1);
    expect(rig.events('step:released')).toMatchObject([{ reason: 'blocked', delayMs: 1_000 }]);
  });

  test('may reject late: nothing handles that, and nothing needs to', async () => {
    const door = gate();
    const rig = await running({ deaf: { timeoutMs: 10, run: () => door.promise } }, { abortGraceMs: 10 }, ({ store }) =>
      store.add('s1', 'deaf', { maxRetries: 0 }),
    );
    await rig.runtime.advance(100);
    door.fail(new Error('late'));
    await rig.runtime.settle();
    expect(rig.pool.load.strays).toBe(0);
    expect(rig.events('step:failed')).toHaveLength(1);
  });
});

describe('stop', () => {
  test('lets running handlers finish, and settles them', async () => {
    const open = gate<string>();
    const rig = await new Rig({ slow: () => open.promise }).start();
    rig.store.add('s1', 'slow');
    rig.pool.wake();
    await rig.runtime.settle();
    const stopping = rig.stop();
    await rig.runtime.settle().catch(() => undefined);
    open.open('done');
    await stopping;
    expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '"done"' });
    expect(rig.pool.drained).toEqual({ finished: 1, released: 0, strays: 0, unsettled: 0 });
    expect(rig.runtime.monotonicMs()).toBe(0); // and waits for nothing else
  });

  const started = async (handler: (args: unknown, ctx: StepContext) => unknown, options = {}) => {
    const rig = new Rig({ slow: handler }, { drainTimeoutMs: 1_000, abortGraceMs: 500, ...options });
    rig.store.add('s1', 'slow');
    return rig.start();
  };

  test('aborts with STOPPED after the drain time, and gives the step back uncharged', async () => {
    let reason: unknown;
    const rig = await started((_, ctx) => {
      ctx.signal.addEventListener('abort', () => (reason = ctx.signal.reason));
      return obedient(_, ctx);
    });
    await rig.stop();
    expect(reason).toMatchObject({ code: 'STOPPED' });
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0, error: null });
    expect(rig.events('step:released')).toMatchObject([{ reason: 'stopping', delayMs: 0 }]);
    expect(rig.pool.drained).toEqual({ finished: 0, released: 1, strays: 0, unsettled: 0 });
  });

  test('counts a value that comes after the abort', async () => {
    const rig = await started(async (_, ctx) => {
      await obedient(_, ctx).catch(() => undefined);
      return 'made it';
    });
    await rig.stop();
    expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '"made it"' });
  });

  test('counts a PermanentFailureError that comes after the abort', async () => {
    const rig = await started(async (_, ctx) => {
      await obedient(_, ctx).catch(() => undefined);
      throw Object.assign(new Error('no'), { name: 'PermanentFailureError' });
    });
    await rig.stop();
    expect(rig.store.row('s1').status).toBe('failed');
  });

  test('resolves with the number of strays, and leaves nothing behind', async () => {
    const rig = await started(never);
    await rig.stop();
    expect(rig.runtime.monotonicMs()).toBe(1_500);
    expect(rig.pool.drained).toEqual({ finished: 0, released: 1, strays: 1, unsettled: 0 });
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
    expect(rig.runtime.pending).toBe(0);
  });

  test.each([
    ['have returned', () => 1, 0],
    ['are still at work', never, 1],
  ])('reports that the drain time is over if handlers %s', async (_, run, times) => {
    let over = 0;
    const rig = await started(run, { onDrainOver: () => void over++ });
    await rig.stop();
    expect(over).toBe(times);
  });

  test('aborts at once if the drain time is 0', async () => {
    const rig = await started(obedient, { drainTimeoutMs: 0 });
    await rig.stop();
    expect(rig.runtime.monotonicMs()).toBe(0);
    expect(rig.store.row('s1').status).toBe('pending');
  });

  test('claims nothing more, and gives back what an exchange in flight still brings', async () => {
    const rig = await new Rig({ slow: never }).start();
    rig.store.latencyMs = 100;
    rig.store.add('s1', 'slow');
    rig.pool.wake();
    await rig.runtime.advance(50);
    await rig.stop();
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
    expect(rig.events('step:started')).toEqual([]);
  });

  test('reads back an unanswered token, and gives back what it claimed', async () => {
    const rig = await new Rig({ slow: never }).start();
    rig.store.add('s1', 'slow');
    rig.store.after = () => {
      rig.store.after = () => undefined;
      throw new Error('reply lost');
    };
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('claimed');
    await rig.stop();
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
  });

  test('gives up on a store that is gone', async () => {
    const rig = await started(() => 'done', { drainTimeoutMs: 3_000 });
    rig.store.add('s2', 'slow');
    rig.store.before = ({ settlements }) => {
      if (settlements.length > 0) throw new Error('gone');
    };
    rig.pool.wake();
    await rig.runtime.advance(10);
    await rig.stop();
    expect(rig.runtime.monotonicMs()).toBeLessThanOrEqual(3_500);
    expect(rig.logged.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(rig.pool.drained.unsettled).toBe(1);
  });

  test('gives up on a store that never answers', async () => {
    const rig = await running({ quick: () => 1 }, { drainTimeoutMs: 5_000 });
    rig.store.add('s1', 'quick');
    rig.store.before = () => new Promise(() => undefined);
    rig.pool.wake();
    await rig.runtime.advance(1_000);
    const before = rig.runtime.monotonicMs();
    await rig.stop();
    expect(rig.runtime.monotonicMs() - before).toBe(5_000);
    expect(rig.store.requests.at(-1)?.claim).toBeDefined();
  });

  test('sends outcomes once the store is back', async () => {
    const rig = await started(() => 'done');
    rig.store.add('s2', 'slow');
    rig.store.before = ({ settlements }) => {
      if (settlements.length > 0) throw new Error('gone');
    };
    rig.pool.wake();
    await rig.runtime.advance(60_000);
    const stopping = rig.pool.stop();
    rig.store.before = () => undefined;
    await rig.runtime.until(stopping);
    expect(rig.store.row('s2').status).toBe('completed');
    expect(rig.pool.drained).toMatchObject({ finished: 1, unsettled: 0 });
  });

  test('shortens the pause after failures', async () => {
    const rig = await started(async () => 'done', { drainTimeoutMs: 60_000 });
    rig.store.before = () => {
      throw new Error('down');
    };
    rig.store.add('s2', 'slow');
    rig.pool.wake();
    await rig.runtime.advance(20_000);
    rig.store.before = () => undefined;
    await rig.stop();
    expect(rig.runtime.monotonicMs()).toBeLessThanOrEqual(20_250);
    expect(rig.pool.drained.unsettled).toBe(0);
  });

  test('keeps the pace of the store, and waits for it', async () => {
    const rig = new Rig({ slow: () => door.promise }, { drainTimeoutMs: 0 });
    const door = gate();
    rig.store.pace = { waitMs: 5_000, batch: 250 };
    rig.store.add('s1', 'slow');
    await rig.start();
    door.open();
    await rig.stop();
    expect(rig.runtime.monotonicMs()).toBe(5_000);
    expect(rig.store.row('s1').status).toBe('completed');
    expect(rig.pool.drained.unsettled).toBe(0);
  });

  test('hands its outcomes in within seconds, though the pace of a large fleet is slower', async () => {
    const rig = new Rig({ slow: () => door.promise }, { drainTimeoutMs: 25_000 });
    const door = gate();
    rig.store.pace = { waitMs: 60_000, batch: 250 };
    rig.store.add('s1', 'slow');
    await rig.start();
    const stopping = rig.pool.stop();
    await rig.runtime.advance(1_000);
    door.open();
    await rig.runtime.until(stopping);
    expect(rig.runtime.monotonicMs()).toBe(6_000);
    expect(rig.store.row('s1').status).toBe('completed');
    expect(rig.pool.drained.unsettled).toBe(0);
  });

  test('claims nothing after a resume during it', async () => {
    const rig = await started(never);
    const stopping = rig.stop();
    rig.store.add('s2', 'slow');
    rig.pool.pause();
    rig.pool.resume();
    await stopping;
    expect(rig.events('step:claimed')).toHaveLength(1);
    expect(rig.store.row('s2')).toMatchObject({ status: 'pending', version: 1 });
  });

  test('is idempotent, and a start after it does nothing', async () => {
    const rig = await new Rig({}).start();
    expect(rig.pool.stop()).toBe(rig.pool.stop());
    await rig.stop();
    let watches = 0;
    const idle = new Rig({}, { watch: () => (watches++, () => undefined) });
    await idle.pool.stop();
    await idle.pool.start();
    idle.pool.wake();
    await idle.runtime.advance(10_000);
    expect(idle.store.requests).toEqual([]);
    expect(idle.runtime.pending).toBe(0);
    expect(watches).toBe(0);
  });
});
