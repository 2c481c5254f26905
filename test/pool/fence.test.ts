import { describe, expect, test, vi } from 'vitest';
import type { StepContext } from '../../src/step/handler-context.js';
import { gate, NEXT_LIFE, POD, running, type Rig } from './support/rig.js';

const obedient = (_: unknown, { signal }: StepContext) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
/** Ends on request, whatever its signal says. */
const stubborn = () => {
  const door = gate<string>();
  return { door, run: () => door.promise };
};

const heartbeat = (rig: Rig, pod = POD) => {
  const snapshot = rig.pool.snapshot();
  rig.pool.reconcile(snapshot, rig.store.held(pod));
};

describe('a fence', () => {
  test('aborts what runs with CLAIM_ABORTED, and claims and settles nothing until the pod is admitted', async () => {
    let reason: unknown;
    const handler = (_: unknown, ctx: StepContext) => {
      ctx.signal.addEventListener('abort', () => (reason = ctx.signal.reason));
      return obedient(_, ctx);
    };
    const rig = await running({ slow: handler }, {}, ({ store }) => store.add('s1', 'slow'));
    const before = rig.store.requests.length;
    rig.pool.fence(false);
    rig.store.add('s2', 'slow');
    for (let i = 0; i < 20; i++) {
      rig.pool.wake();
      await rig.runtime.advance(1_000);
    }
    expect(reason).toMatchObject({ code: 'CLAIM_ABORTED' });
    expect(rig.store.requests.length).toBe(before);
    expect(rig.pool.load).toMatchObject({ running: 0, fenced: true });
    expect(rig.pool.overdueMs).toBe(0);
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(rig.events('step:released')).toMatchObject([{ stepId: 's1', reason: 'fenced' }]);
    expect(rig.store.row('s1').retryCount).toBe(0);
    expect(rig.events('step:lost')).toEqual([]);
    expect(rig.store.row('s2').status).toBe('claimed');
  });

  test('settles a value that came after the abort, once the same incarnation is admitted', async () => {
    const { door, run } = stubborn();
    const rig = await running({ slow: run }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.pool.fence(false);
    door.open('done');
    await rig.runtime.advance(1_000);
    expect(rig.store.row('s1').status).toBe('claimed');
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '"done"' });
  });

  test('charges an error that was thrown before it', async () => {
    const rig = await running({ bad: () => Promise.reject(new Error('own')) }, { retry: { baseMs: 60_000 } });
    rig.store.add('s1', 'bad');
    rig.store.latencyMs = 100;
    rig.pool.wake();
    await rig.runtime.advance(100); // claimed and run; the settlement is under way or waits
    rig.pool.fence(false);
    await rig.runtime.advance(1_000);
    rig.pool.admit(POD);
    await rig.runtime.advance(101);
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 1 });
    expect(rig.events('step:retrying')).toMatchObject([{ attempt: 1, error: { message: 'own' } }]);
  });

  test('starts the claims of an exchange in flight only once the pod is admitted', async () => {
    const rig = await running({ quick: () => 1 });
    rig.store.latencyMs = 100;
    rig.store.add('s1', 'quick');
    rig.pool.wake();
    await rig.runtime.advance(50);
    rig.pool.fence(false);
    await rig.runtime.advance(500);
    expect(rig.events('step:claimed')).toHaveLength(1);
    expect(rig.events('step:started')).toHaveLength(0);
    rig.pool.admit(POD);
    await rig.runtime.advance(500);
    expect(rig.store.row('s1').status).toBe('completed');
  });

  test('settles nothing while the self-fence forbids it, even before the fence comes', async () => {
    let may = true;
    const door = gate();
    const rig = await running({ slow: () => door.promise }, { mayProceed: () => may }, ({ store }) => {
      store.addMany(6, 'slow');
    });
    may = false;
    const before = rig.store.requests.length;
    door.open();
    await rig.runtime.advance(5_000);
    expect(rig.store.requests.length).toBe(before);
    expect(rig.store.count('completed')).toBe(0);
    may = true;
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(rig.store.count('completed')).toBe(6);
  });

  test('starts nothing while the self-fence forbids it', async () => {
    let may = true;
    const rig = await running({ quick: () => 1 }, { mayProceed: () => may });
    rig.store.latencyMs = 10;
    rig.store.add('s1', 'quick');
    rig.pool.wake();
    await rig.runtime.advance(5);
    may = false; // frozen while the reply was on its way
    await rig.runtime.advance(50);
    expect(rig.events('step:claimed')).toHaveLength(1);
    expect(rig.events('step:started')).toEqual([]);
    may = true;
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(rig.events('step:started')).toHaveLength(1);
  });

  const checked = {
    '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => Promise.resolve({ value }) },
  };

  test.each([
    ['a schema has checked its args', { args: checked }],
    ['it has waited for the limit of its type', { concurrency: 1 }],
  ])('asks the self-fence again once %s', async (_, options) => {
    let may = true;
    const handler = vi.fn(() => 1);
    const rig = await running({ work: { ...options, run: handler } }, { mayProceed: () => may }, (made) => {
      made.store.add('s1', 'work');
      // It freezes after the start. What it awaits comes before any timer.
      made.onStarted = () => void (may = false);
    });
    expect([may, handler.mock.calls.length]).toEqual([false, 0]);
    may = true;
    rig.onStarted = () => undefined;
    rig.pool.admit(POD);
    await rig.runtime.advance(1_000);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(rig.store.row('s1').status).toBe('completed');
  });

  test('asks the self-fence again before each later start', async () => {
    let may = true;
    const doors = [gate(), gate(), gate()];
    let calls = 0;
    const run = () => doors[calls++]!.promise;
    const rig = await running({ slow: run }, { maxParallelism: 1, mayProceed: () => may }, ({ store }) => {
      store.addMany(3, 'slow');
      const { exchange } = store; // that gives more than was asked for: some wait
      store.exchange = (request) =>
        exchange(request.claim ? { ...request, claim: { ...request.claim, free: 3 } } : request);
    });
    await rig.runtime.advance(100);
    may = false;
    doors[0]!.open();
    await rig.runtime.settle();
    rig.pool.admit(POD); // in the same instant, and too early
    await rig.runtime.settle();
    expect(rig.events('step:started')).toHaveLength(1);
    may = true;
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(rig.events('step:started')).toHaveLength(2);
    for (const door of doors) door.open();
  });
});

describe('a halt', () => {
  test('lets handlers run, and claims, starts and settles nothing until the pod is admitted', async () => {
    const { door, run } = stubborn();
    let aborted = false;
    const handler = (_: unknown, { signal }: StepContext) => {
      signal.addEventListener('abort', () => (aborted = true));
      return run();
    };
    const rig = await running({ slow: { run: handler, concurrency: 1 } }, {}, ({ store }) => store.add('s1', 'slow'));
    const before = rig.store.requests.length;
    rig.pool.halt();
    rig.store.add('s2', 'slow');
    door.open('done');
    for (let i = 0; i < 5; i++) {
      rig.pool.wake();
      await rig.runtime.advance(1_000);
    }
    expect(rig.store.requests.length).toBe(before);
    expect(rig.pool.load).toMatchObject({ running: 0, fenced: true });
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(aborted).toBe(false);
    expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '"done"' });
    expect(rig.store.row('s2').status).toBe('completed');
    expect(rig.pool.load.fenced).toBe(false);
  });
});

describe('a final fence', () => {
  test('settles what ends, gives back the rest, and claims nothing more', async () => {
    const { door, run } = stubborn();
    const rig = await running({ slow: { concurrency: 1, run } }, {}, ({ store }) => {
      store.addMany(2, 'slow');
      const { exchange } = store;
      store.exchange = async (r) =>
        exchange(r.claim ? { ...r, claim: { ...r.claim, types: new Map([['slow', 2]]) } } : r);
    });
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 1, unsettled: 0 });
    rig.pool.fence(true);
    await rig.runtime.settle();
    expect(rig.store.row('slow-00001').status).toBe('pending');
    door.open('done');
    await rig.runtime.settle();
    expect(rig.store.row('slow-00000').status).toBe('completed');
    rig.pool.admit(POD);
    rig.pool.resume();
    await rig.runtime.advance(10_000);
    expect(rig.store.row('slow-00001').status).toBe('pending');
    expect(rig.pool.load.fenced).toBe(true);
  });

  test('gives back what an exchange in flight brings, also after a resume', async () => {
    const rig = await running({ slow: obedient });
    rig.store.latencyMs = 100;
    rig.store.add('s1', 'slow');
    rig.pool.wake();
    await rig.runtime.advance(50);
    rig.pool.fence(true);
    rig.pool.resume();
    await rig.runtime.advance(200);
    expect(rig.store.row('s1').status).toBe('pending');
    expect(rig.events('step:started')).toEqual([]);
  });
});

test('a retired pool lets handlers finish, and claims nothing more', async () => {
  const { door, run } = stubborn();
  const handler = (_: unknown, ctx: StepContext) => Promise.race([obedient(_, ctx), run()]);
  const rig = await running({ slow: handler }, {}, ({ store }) => store.add('s1', 'slow'));
  rig.pool.retire();
  rig.store.add('s2', 'slow');
  await rig.runtime.advance(5_000);
  door.open('done');
  await rig.runtime.advance(5_000);
  expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '"done"' });
  expect(rig.store.row('s2').status).toBe('pending');
});

describe('an eviction', () => {
  test('sends outcomes of the old incarnation in its name', async () => {
    const { door, run } = stubborn();
    const rig = await running({ slow: run }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.pool.fence(false);
    rig.store.requeue('s1'); // recovery
    rig.store.row('s1').runAt = Infinity;
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.settle();
    expect(rig.events('step:lost')).toEqual([]);
    door.open('done');
    await rig.runtime.settle();
    const last = rig.store.requests.find(({ settlements }) => settlements.length > 0)!;
    expect(last).toMatchObject({ pod: POD, settlements: [{ stepId: 's1' }] });
    expect(last.claim).toBeUndefined();
    expect(rig.events('step:lost')).toMatchObject([{ stepId: 's1', refused: 'completed' }]);
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', result: null });
  });

  test('aborts what the old incarnation ran, even without a fence before', async () => {
    const rig = await running({ slow: obedient }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.requeue('s1');
    rig.store.row('s1').runAt = Infinity;
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(0);
    expect(rig.events('step:lost')).toHaveLength(1);
  });

  test('settles waiting outcomes under the old incarnation and claims under the new one', async () => {
    const rig = await running({ bad: () => 1 }, {}, ({ store }) => {
      store.add('s1', 'bad');
      store.before = ({ settlements }) => {
        if (settlements.length > 0) throw new Error('down');
      };
    });
    rig.pool.fence(false);
    rig.store.requeue('s1');
    rig.store.before = () => undefined;
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.advance(5_000);
    expect(rig.events('step:lost')).toHaveLength(1);
    expect(rig.store.row('s1')).toMatchObject({ status: 'completed', incarnation: NEXT_LIFE.incarnation });
    for (const { pod, claim, readBack } of rig.store.requests) {
      if (pod.incarnation === POD.incarnation) continue;
      expect(claim?.token ?? readBack).toBeDefined();
    }
  });

  test('drops claims that never started, also those of an exchange in flight', async () => {
    const rig = await running({ slow: { concurrency: 1, run: obedient } });
    rig.store.addMany(1, 'slow');
    rig.store.latencyMs = 100;
    rig.pool.wake();
    await rig.runtime.advance(50);
    rig.pool.fence(false);
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.advance(60);
    expect(rig.pool.load).toMatchObject({ running: 0, unstarted: 0, unsettled: 0 });
    expect(rig.events('step:claimed')).toEqual([]);
    const row = rig.store.row('slow-00000');
    expect(row).toMatchObject({ status: 'claimed', incarnation: POD.incarnation }); // an orphan: recovery's
  });

  test('does not read back an unanswered token of the old incarnation', async () => {
    const rig = await running({ slow: obedient }, {}, ({ store }) => {
      store.add('s1', 'slow');
      store.after = () => {
        throw new Error('reply lost');
      };
    });
    rig.pool.fence(false);
    rig.store.after = () => undefined;
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.advance(5_000);
    expect(rig.store.requests.some(({ readBack }) => readBack !== undefined)).toBe(false);
    expect(rig.events('step:started')).toEqual([]);
  });

  test('a stray of the old incarnation still blocks its step', async () => {
    const { run } = stubborn();
    const rig = await running({ slow: run }, { abortGraceMs: 100 }, ({ store }) => store.add('s1', 'slow'));
    rig.pool.fence(false);
    rig.store.requeue('s1');
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.advance(500);
    expect(rig.pool.load.strays).toBe(1);
    expect(rig.events('step:started')).toHaveLength(1);
    expect(rig.events('step:released')).toMatchObject([{ reason: 'blocked' }]);
  });
});

describe('reconciliation', () => {
  test('aborts a running claim that the store no longer shows, and emits step:lost', async () => {
    const rig = await running({ slow: obedient }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.requeue('s1');
    rig.store.row('s1').runAt = Infinity;
    heartbeat(rig);
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(0);
    expect(rig.events('step:lost')).toMatchObject([{ stepId: 's1' }]);
  });

  test('aborts a claim that was cancelled elsewhere, and emits step:cancelled', async () => {
    let reason: unknown;
    const handler = (_: unknown, ctx: StepContext) => {
      ctx.signal.addEventListener('abort', () => (reason = ctx.signal.reason));
      return obedient(_, ctx);
    };
    const rig = await running({ slow: handler }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.cancel('s1');
    heartbeat(rig);
    await rig.runtime.settle();
    expect(rig.events('step:cancelled')).toMatchObject([{ stepId: 's1', by: 'holder', latencyMs: 5 }]);
    expect(reason).toMatchObject({ code: 'STEP_CANCELLED' });
    expect(rig.events('step:lost')).toEqual([]);
  });

  test('aborts a lost claim as lost if the store does not say why', async () => {
    const rig = await running({ slow: obedient }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.cancelled = () => Promise.reject(new Error('away'));
    rig.store.requeue('s1');
    rig.store.row('s1').runAt = Infinity;
    heartbeat(rig);
    await rig.runtime.settle();
    expect(rig.events('step:lost')).toMatchObject([{ stepId: 's1' }]);
  });

  test('never starts an unstarted claim that was lost', async () => {
    const rig = await running({ slow: { concurrency: 1, run: obedient } }, {}, ({ store }) => {
      store.addMany(2, 'slow');
      const { exchange } = store;
      store.exchange = async (r) =>
        exchange(r.claim ? { ...r, claim: { ...r.claim, types: new Map([['slow', 2]]) } } : r);
    });
    expect(rig.pool.load).toMatchObject({ unstarted: 1, unsettled: 0 });
    rig.store.requeue('slow-00001');
    rig.store.row('slow-00001').runAt = Infinity;
    heartbeat(rig);
    await rig.runtime.settle();
    expect(rig.pool.load).toMatchObject({ unstarted: 0, unsettled: 0 });
    expect(rig.events('step:lost')).toMatchObject([{ stepId: 'slow-00001' }]);
  });

  test('does not judge what was claimed or has ended since the heartbeat was sent', async () => {
    const { door, run } = stubborn();
    const rig = await running({ slow: run, more: obedient }, {}, ({ store }) => store.add('s1', 'slow'));
    const snapshot = rig.pool.snapshot();
    door.open('done');
    await rig.runtime.settle(); // s1 is settled
    rig.store.add('s2', 'more');
    rig.pool.wake();
    await rig.runtime.settle(); // s2 is claimed
    rig.pool.reconcile(snapshot, []); // the store looked in between
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(1);
    expect(rig.events('step:lost')).toEqual([]);
  });

  test('gives back a claim that the pod does not know once two successive heartbeats show it', async () => {
    const rig = await running({ slow: obedient });
    rig.store.add('s1', 'slow');
    // An exchange that lands late: the pod never hears of it.
    await rig.store.exchange({
      ...{ pod: POD, settlements: [] },
      claim: { token: 'late', free: 1, prefetch: 0, quarantine: 0, types: new Map([['slow', 1]]) },
    });
    heartbeat(rig);
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('claimed');
    rig.store.row('s1').runAt = Infinity;
    heartbeat(rig);
    await rig.runtime.settle();
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
    expect(rig.emitted).toEqual([]);
  });

  test('does not give back a claim whose token is in flight', async () => {
    const rig = await running({ slow: obedient });
    rig.store.add('s1', 'slow');
    const hang = gate();
    rig.store.after = () => hang.promise;
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('claimed');
    heartbeat(rig);
    heartbeat(rig);
    heartbeat(rig);
    hang.open();
    await rig.runtime.settle();
    expect(rig.events('step:started')).toHaveLength(1);
    expect(rig.store.row('s1').status).toBe('claimed');
  });

  test('does not give back a claim whose token is unanswered', async () => {
    const rig = await running({ slow: obedient });
    rig.store.add('s1', 'slow');
    rig.store.after = () => {
      throw new Error('reply lost');
    };
    rig.pool.wake();
    await rig.runtime.settle();
    heartbeat(rig);
    heartbeat(rig);
    rig.store.after = () => undefined;
    await rig.runtime.advance(1_000);
    expect(rig.events('step:started')).toHaveLength(1);
    expect(rig.events('step:released')).toEqual([]);
  });

  test('ignores a snapshot of an earlier incarnation', async () => {
    const rig = await running({ slow: obedient });
    const snapshot = rig.pool.snapshot();
    rig.pool.fence(false);
    rig.pool.admit(NEXT_LIFE);
    rig.store.add('s1', 'slow');
    rig.pool.wake();
    await rig.runtime.settle();
    const before = rig.store.requests.length;
    const old = [{ stepId: 's9', claimToken: 'old', version: 2 }];
    rig.pool.reconcile(snapshot, old);
    rig.pool.reconcile(snapshot, old);
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(1);
    expect(rig.store.requests.length).toBe(before);
  });
});

test('counts an ended claim as unsettled until its receipt, so that a draining pod does not leave yet', async () => {
  const { door, run } = stubborn();
  const rig = await running({ slow: run }, {}, ({ store }) => store.add('s1', 'slow'));
  rig.store.latencyMs = 100;
  rig.pool.fence(true);
  door.open('done');
  await rig.runtime.advance(50);
  expect(rig.pool.load).toMatchObject({ running: 0, unstarted: 0, unsettled: 1 });
  await rig.runtime.advance(100);
  expect(rig.pool.load).toMatchObject({ running: 0, unstarted: 0, unsettled: 0 });
  expect(rig.store.row('s1')).toMatchObject({ status: 'completed' });
});
