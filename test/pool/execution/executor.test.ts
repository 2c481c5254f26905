/** What happens between a claim's start and its outcome. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { StoppedError } from '../../../src/errors.js';
import { Events } from '../../../src/events.js';
import { createLog } from '../../../src/log.js';
import { Executor } from '../../../src/pool/execution/executor.js';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { HeldClaims } from '../../../src/pool/claims/held-claims.js';
import { CompletionRate } from '../../../src/pool/execution/completion-rate.js';
import { sleep, type Runtime } from '../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { noSubmitter } from '../support/no-submitter.js';
import { claimOf, gate, POD, Rig, running } from '../support/rig.js';

const never = () => new Promise(() => undefined);
const started = (rig: Rig): string[] => rig.events('step:started').map(({ stepId }) => stepId as string);

/** A store that gives this many claims of each type, whatever was asked for: some must wait. */
function generous({ store }: Rig, most: number): void {
  const { exchange } = store;
  store.exchange = (request) => {
    if (request.claim === undefined) return exchange(request);
    const types = new Map([...request.claim.types.keys()].map((type) => [type, most]));
    return exchange({ ...request, claim: { ...request.claim, free: most, types } });
  };
}

describe('the grace of an aborted handler', () => {
  test('begins with the first abort: a later one does not prolong it', async () => {
    const rig = await running({ deaf: { timeoutMs: 100, run: never } }, { abortGraceMs: 500 }, ({ store }) => {
      store.add('s1', 'deaf', { maxRetries: 0 });
    });
    await rig.runtime.advance(400);
    rig.pool.abort('s1', Infinity); // cancelled, but it has timed out before
    await rig.runtime.advance(199);
    expect(rig.pool.load).toMatchObject({ running: 1, strays: 0 });
    await rig.runtime.advance(1);
    expect(rig.pool.load).toMatchObject({ running: 0, strays: 1 });
    expect(rig.events('step:timedOut')).toHaveLength(1);
    expect(rig.events('step:cancelled')).toEqual([]);
  });

  test.each([undefined, 60_000])('applies also if it was aborted during its call (time-out %s)', async (timeoutMs) => {
    const run = (_: unknown, { stepId }: StepContext) => {
      rig.pool.abort(stepId, Infinity);
      return never();
    };
    const rig = new Rig({ deaf: { ...(timeoutMs && { timeoutMs }), run } }, { abortGraceMs: 500 });
    rig.store.add('s1', 'deaf');
    await rig.start();
    await rig.runtime.advance(499);
    expect(rig.pool.load).toMatchObject({ running: 1, strays: 0 });
    await rig.runtime.advance(1);
    expect(rig.pool.load).toMatchObject({ running: 0, strays: 1 });
    expect(rig.events('step:cancelled')).toHaveLength(1);
    await rig.stop();
  });
});

test('a halt from within a handler prevents the next start', async () => {
  const rig: Rig = new Rig({ work: () => rig.pool.halt() });
  rig.store.addMany(3, 'work');
  await rig.start();
  expect(started(rig)).toEqual(['work-00000']);
  rig.pool.admit(POD);
  await rig.runtime.settle();
  expect(started(rig)).toEqual(['work-00000', 'work-00001']);
  await rig.stop();
});

test('the first report says how long a step had been cancelled', async () => {
  let changed = (): void => undefined;
  const watch = (onChange: () => void) => {
    changed = onChange;
    return () => undefined;
  };
  const rig = await running({ deaf: never }, { watch, abortGraceMs: 500 }, ({ store }) => store.add('s1', 'deaf'));
  rig.store.cancel('s1');
  rig.pool.abort('s1', Infinity);
  changed(); // and now the store says that it was 5 ms ago
  await rig.runtime.advance(500);
  expect(rig.events('step:cancelled')).toMatchObject([{ stepId: 's1', latencyMs: 0 }]);
});

test('a handler that has returned does not block the next claim of its step', async () => {
  const doors = [gate(), gate()];
  let calls = 0;
  const rig = await running({ slow: () => doors[calls++]!.promise }, { maxParallelism: 2 }, (rig) => {
    rig.store.add('s1', 'slow');
    rig.store.add('s2', 'slow');
    generous(rig, 4);
  });
  rig.store.requeue('s1'); // taken from this pod, which does not know yet
  doors[1]!.open();
  rig.store.latencyMs = 1; // so that the claim arrives while its step still runs, and no slot is free
  await rig.runtime.advance(0);
  rig.store.add('s3', 'slow', { priority: 9 });
  doors.push(gate(), gate());
  await rig.runtime.advance(2);
  expect(started(rig)).toEqual(['s1', 's2', 's3']);
  expect(rig.pool.load).toMatchObject({ running: 2, unstarted: 1, unsettled: 0 });
  doors[0]!.open();
  await rig.runtime.settle();
  expect(started(rig)).toEqual(['s1', 's2', 's3', 's1']);
  expect(rig.events('step:released')).toEqual([]);
});

test('a handler that threw at once does not block the next claim of its step', async () => {
  let calls = 0;
  const run = () => {
    if (++calls === 1) throw new Error('at once');
  };
  const rig = await running({ rash: run }, { retry: { baseMs: 0, factor: 1 } }, ({ store }) => store.add('s1', 'rash'));
  await rig.runtime.advance(10);
  expect(rig.store.row('s1')).toMatchObject({ status: 'completed', retryCount: 1 });
  expect(rig.events('step:released')).toEqual([]);
});

/** An executor by itself, with what it works on. */
function alone(runtime: Runtime) {
  const log = createLog('pool');
  const claims = new HeldClaims(() => undefined);
  const rate = new CompletionRate(4);
  const executor = new Executor({
    ...{ runtime, log, events: new Events(log), abortGraceMs: 500, maxPayloadBytes: 1_000, claims, rate, slots: 4 },
    state: { isStopping: false },
    mayProceed: () => true,
    submitter: noSubmitter,
    onReturned: () => undefined,
  });
  return { executor, claims, rate };
}

test('a type counts the lanes that strays keep, until they return', async () => {
  const door = gate();
  const runtime = new VirtualRuntime();
  const { executor } = alone(runtime);
  const definition = { type: 'deaf', schema: undefined, concurrency: 2, timeoutMs: 100, run: () => door.promise };
  const deaf = new TypeHandler(definition);
  executor.run(new HeldClaim(claimOf('s1', 'deaf'), POD, deaf, 0), 0);
  await runtime.advance(599);
  expect([deaf.strays, deaf.room]).toEqual([0, 1]);
  await runtime.advance(1);
  expect([deaf.strays, deaf.room]).toEqual([1, 1]);
  door.open();
  await runtime.settle();
  expect([deaf.strays, deaf.room]).toEqual([0, 2]);
});

test('time without work does not count in the rate', async () => {
  const runtime = new VirtualRuntime();
  const { executor, claims, rate } = alone(runtime);
  const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => sleep(runtime, 10) });
  for (let i = 0; i < 5; i++) {
    executor.run(new HeldClaim(claimOf(`s${i}`, 'it'), POD, handler, 0), runtime.monotonicMs());
    await runtime.advance(10_000);
  }
  expect(rate.perMs(runtime.monotonicMs(), 1_000)).toBeCloseTo(4 / 10); // four slots, each step of 10 ms
  expect(claims.running.returns).toBe(5);
});

test('the time before the first await counts towards the time-out and the time slice', () => {
  const runtime = new Skewed();
  const { executor } = alone(runtime);
  const run = () => {
    runtime.skewMs = 70;
    return never();
  };
  const held = new HeldClaim(
    claimOf('s1', 'it'),
    POD,
    new TypeHandler({ type: 'it', schema: undefined, run, timeoutMs: 100 }),
    0,
  );
  expect(executor.run(held, 0)).toBe(70);
  expect(held.dueAt).toBe(100);
  executor.stop();
});

/** A clock that synchronous work can turn on. */
class Skewed extends VirtualRuntime {
  skewMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.skewMs;
  }
}

test('the report about the slots leaves out strays', async () => {
  const rig = await running({ deaf: { timeoutMs: 100, run: never }, slow: never }, { abortGraceMs: 0 }, ({ store }) => {
    store.add('s1', 'deaf', { maxRetries: 0 });
    store.add('s2', 'slow');
  });
  await rig.runtime.advance(100);
  expect(rig.pool.slots).toMatchObject({ free: 2, returned: 0 });
  expect(rig.pool.slots.running().map(({ claim }) => claim.claimToken)).toEqual([rig.store.row('s2').claimToken]);
});

test('a fence during the call of a handler aborts that handler too', async () => {
  const seen: boolean[] = [];
  const rig = new Rig({ work: (_, { signal }) => void seen.push(signal.aborted) });
  rig.onStarted = () => rig.pool.fence(false);
  rig.store.add('s1', 'work');
  await rig.start();
  expect(seen).toEqual([true]);
  await rig.stop();
});

describe('a handler that ends because its queue is being stopped', () => {
  test.each<[string, (stopping: () => void) => unknown]>([
    [
      'throws at once',
      (stop) => {
        stop();
        throw new StoppedError('the wait');
      },
    ],
    [
      'rejects',
      (stop) =>
        Promise.resolve()
          .then(stop)
          .then(() => Promise.reject(new StoppedError('the wait'))),
    ],
  ])('and %s gives its step back uncharged', async (_, end) => {
    let stopped: Promise<void> | undefined;
    const rig = new Rig({ work: () => end(() => void (stopped = rig.pool.stop())) });
    rig.store.add('s1', 'work');
    await rig.start();
    await rig.runtime.until(stopped!);
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
    expect(rig.events('step:released')).toMatchObject([{ reason: 'stopping', delayMs: 0 }]);
  });
});

describe('the async context of a handler', () => {
  const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } };
  test.each([
    ['without options', {}],
    ['with a limit', { concurrency: 1 }],
    ['with a schema', { args: schema }],
  ])('reaches no other handler: %s', async (_title, options) => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const run = (_: unknown, { stepId }: StepContext) => {
      seen.push(storage.getStore());
      storage.enterWith(stepId);
    };
    await running({ work: { ...options, run } }, {}, ({ store }) => void store.addMany(3, 'work'));
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
});
