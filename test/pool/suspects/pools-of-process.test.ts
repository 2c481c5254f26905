/** Suspects, and other queues in the same process: they die together, so a suspect runs alone in its process. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PoolsOfProcess } from '../../../src/pool/suspects/pools-of-process.js';
import { sleep, systemRuntime } from '../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { claimTokenOf, isAlone } from '../../../src/step/crash-suspect.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { gate, Rig, running } from '../support/rig.js';

const never = () => new Promise(() => undefined);
const started = (rig: Rig): string[] => rig.events('step:started').map(({ stepId }) => stepId as string);
const claimsAlone = (rig: Rig): boolean =>
  rig.store.requests.some(({ claim }) => claim !== undefined && isAlone({ claimToken: claim.token }));

/** Two pools of one process: `b` works, `a` comes upon a suspect while it does. */
async function processPools() {
  const [work, suspect] = [gate(), gate()];
  const b = await running({ work: () => work.promise }, {}, ({ store }) => store.add('w1', 'work'));
  const a = await running({ bad: () => suspect.promise }, { beside: b }, ({ store }) =>
    store.add('p1', 'bad', { crashes: 2 }),
  );
  await b.runtime.advance(1_000);
  return { a, b, work, suspect };
}

describe('a suspect whose process has another queue', () => {
  test('does not start while that runs something, and is never held by a token that says "alone"', async () => {
    const { a, b } = await processPools();
    await b.runtime.advance(2_000);
    expect(started(a)).toEqual([]);
    expect(claimsAlone(a)).toBe(false);
    expect(a.store.row('p1')).toMatchObject({ status: 'pending', crashes: 2, retryCount: 0 });
  });

  test('does not start while that runs something, whatever its token says', async () => {
    const ALONE = claimTokenOf('01234567-0123-7123-8123-0123456789ab', true);
    const b = await running({ work: never }, { drainTimeoutMs: 0 }, ({ store }) => store.add('w1', 'work'));
    const a = new Rig({ bad: never }, { beside: b, drainTimeoutMs: 0 });
    onTestFinished(() => a.stop());
    a.store.add('p1', 'bad', { crashes: 2 });
    const { exchange } = a.store;
    a.store.exchange = async (request) => {
      const reply = await exchange(request);
      for (const { stepId } of reply.claims) a.store.row(stepId).claimToken = ALONE;
      return { ...reply, claims: reply.claims.map((claim) => ({ ...claim, claimToken: ALONE })) };
    };
    await a.start();
    await a.runtime.advance(1_000);
    expect(started(a)).toEqual([]);
    expect(a.store.row('p1').status).toBe('pending');
  });

  test('runs once the other is empty, which starts nothing until the suspect has its outcome', async () => {
    const { a, b, work, suspect } = await processPools();
    b.store.add('w2', 'work');
    b.pool.wake();
    await b.runtime.advance(1_000);
    expect(started(b)).toEqual(['w1']);
    work.open();
    await b.runtime.advance(1_000);
    expect(started(a)).toEqual(['p1']);
    expect(isAlone({ claimToken: a.store.row('p1').claimToken! })).toBe(true);
    await b.runtime.advance(60_000);
    expect(started(b)).toEqual(['w1']);
    expect(b.store.count('claimed')).toBe(0);
    suspect.open();
    await b.runtime.advance(1_000);
    expect(started(b)).toEqual(['w1', 'w2']);
    expect(a.store.row('p1').status).toBe('completed');
  });

  test('keeps the other from work for 5 s at first; then that works on for at least as long', async () => {
    const { b } = await processPools();
    b.store.add('w2', 'work');
    b.pool.wake();
    await b.runtime.advance(3_800);
    expect(started(b)).toEqual(['w1']);
    await b.runtime.advance(500);
    expect(started(b)).toEqual(['w1', 'w2']);
    b.store.add('w3', 'work');
    b.pool.wake();
    await b.runtime.advance(4_000);
    expect(started(b)).toEqual(['w1', 'w2', 'w3']);
  });

  test('lets what the other holds unstarted go back, and nothing starts in a slot that gets free', async () => {
    const slow = (_: unknown, { signal }: StepContext) => sleep(b.runtime, 100, signal);
    const b: Rig = new Rig({ slow }, { maxParallelism: 1, maxPrefetch: 8 });
    b.store.latencyMs = 100;
    b.store.addMany(50, 'slow');
    await b.start();
    onTestFinished(() => b.stop());
    await b.runtime.advance(2_000);
    expect(b.pool.load.unstarted).toBeGreaterThan(0);
    const a = await running({ bad: never }, { beside: b, drainTimeoutMs: 0 }, ({ store }) =>
      store.add('p1', 'bad', { crashes: 2 }),
    );
    const before = started(b).length;
    await b.runtime.advance(2_000);
    expect(started(a)).toEqual(['p1']);
    expect(started(b).length - before).toBeLessThanOrEqual(1);
    expect(b.pool.load).toMatchObject({ running: 0, unstarted: 0, unsettled: 0 });
    expect(b.store.count('claimed')).toBe(0);
  });

  test('starts nothing in a slot that gets free in the very turn in which the suspect is found', async () => {
    const doors = [gate(), gate()];
    let calls = 0;
    const b = await running({ work: () => doors[calls++]!.promise }, { maxParallelism: 1 }, ({ store }) => {
      store.addMany(2, 'work');
      const { exchange } = store; // that gives more than was asked for: one waits
      store.exchange = (request) =>
        exchange(request.claim ? { ...request, claim: { ...request.claim, free: 2 } } : request);
    });
    expect(b.pool.load).toMatchObject({ running: 1, unstarted: 1, unsettled: 0 });
    await running({ bad: never }, { beside: b, drainTimeoutMs: 0 }, ({ store }) =>
      store.add('p1', 'bad', { crashes: 2 }),
    );
    expect(b.pool.load).toMatchObject({ running: 1, unstarted: 1, unsettled: 0 }); // it has not looked since
    doors[0]!.open();
    await b.runtime.settle();
    expect(started(b)).toEqual(['work-00000']);
    expect(b.pool.load).toMatchObject({ running: 0, unstarted: 0, unsettled: 0 }); // what waited went back with the outcome
    doors[1]!.open();
  });

  test('makes a queue that starts during its claim wait', async () => {
    const a = new Rig({ bad: never }, { drainTimeoutMs: 0 });
    a.store.latencyMs = 100;
    a.store.add('p1', 'bad', { crashes: 2 });
    await a.start();
    onTestFinished(() => a.stop());
    const b = await running({ work: () => 1 }, { beside: a }, ({ store }) => store.add('w1', 'work'));
    await a.runtime.advance(5_000);
    expect(started(a)).toEqual(['p1']);
    expect(started(b)).toEqual([]);
  });

  test('stops waiting and blocking the other queue when its queue is fenced, pauses or stops', async () => {
    for (const end of ['halt', 'pause', 'stop'] as const) {
      const { a, b } = await processPools();
      b.store.add('w2', 'work');
      void a.pool[end]();
      await b.runtime.advance(500);
      expect(started(b)).toEqual(['w1', 'w2']);
    }
  });

  test.each(['stop', 'halt'] as const)(
    'blocks no other queue after a %s of its own, even if its request is not answered',
    async (end) => {
      const a = new Rig({ bad: never }, { drainTimeoutMs: 0 });
      a.store.before = () => new Promise(() => undefined);
      await a.start();
      expect(claimsAlone(a)).toBe(true);
      const b = await running({ work: () => 1 }, { beside: a }, ({ store }) => store.add('w1', 'work'));
      await b.runtime.advance(1_000);
      expect(started(b)).toEqual([]);
      if (end === 'halt') a.pool.halt();
      else await a.runtime.until(a.pool.stop());
      await b.runtime.advance(1_000);
      expect(started(b)).toEqual(['w1']);
      await a.runtime.until(a.pool.stop());
    },
  );

  test('runs in a process whose other queue has stopped, but not beside a stray of that queue', async () => {
    const late = gate();
    const b = new Rig({ deaf: () => late.promise }, { abortGraceMs: 100, drainTimeoutMs: 0 });
    b.store.add('d1', 'deaf');
    await b.start();
    await b.runtime.until(b.pool.stop());
    expect(b.pool.load.strays).toBe(1);
    const a = await running({ bad: () => 1, good: () => 1 }, { beside: b }, ({ store }) => {
      store.add('p1', 'bad', { crashes: 2 });
      store.addMany(3, 'good');
    });
    await a.runtime.advance(60_000);
    expect(started(a)).toEqual(['good-00000', 'good-00001', 'good-00002']);
    expect(a.events('step:claimed').map(({ stepId }) => stepId as string)).not.toContain('p1');
    late.open();
    await a.runtime.advance(2_000);
    expect(a.store.row('p1').status).toBe('completed');
  });
});

test('suspects of two queues that both have other work run, one at a time, beside nothing', async () => {
  let runs = 0;
  const beside: string[] = [];
  let suspects = 0;
  const work =
    (suspect: boolean) =>
    async (_: unknown, { stepId }: StepContext): Promise<void> => {
      runs++;
      if (suspect) suspects++;
      if (suspects > 0 && runs > 1) beside.push(stepId);
      await sleep(b.runtime, 300);
      runs--;
      if (suspect) suspects--;
    };
  const handlers = { bad: work(true), good: work(false) };
  const b: Rig = new Rig(handlers, { maxParallelism: 2 });
  const a = new Rig(handlers, { maxParallelism: 2, beside: b });
  for (const rig of [b, a]) {
    for (let i = 0; i < 3; i++) rig.store.add(`p${i}`, 'bad', { crashes: 2 });
    rig.store.addMany(300, 'good');
    await rig.start();
    onTestFinished(() => rig.stop());
  }
  await b.runtime.advance(600_000);
  expect([a.store.count('completed'), b.store.count('completed')]).toEqual([303, 303]);
  expect(beside).toEqual([]);
});

describe('a queue that has stopped', () => {
  /** What one pool of two says of itself; the other is idle. */
  const process = () => {
    const runtime = new VirtualRuntime();
    const says = { quiet: true, hasStrays: false, claimsAlone: false };
    const self = { quiet: () => says.quiet, hasStrays: () => says.hasStrays, claimsAlone: () => says.claimsAlone };
    const idle = { quiet: () => true, hasStrays: () => false, claimsAlone: () => false };
    const [stopped, other] = [new PoolsOfProcess(runtime, self), new PoolsOfProcess(runtime, idle)];
    for (const pool of [stopped, other]) pool.enter();
    return { says, stopped, other };
  };

  test('no longer counts, whatever it still holds or asked for', () => {
    const { says, stopped, other } = process();
    says.quiet = false;
    says.claimsAlone = true;
    expect([other.blocked(0), other.quiet, other.any]).toEqual([true, false, true]);
    stopped.leave(0);
    expect([other.blocked(0), other.quiet, other.any]).toEqual([false, true, false]);
  });

  test('counts until its stray has returned, but blocks no other queue', () => {
    const { says, stopped, other } = process();
    Object.assign(says, { quiet: false, hasStrays: true, claimsAlone: true });
    stopped.takeTurn(0, Infinity);
    stopped.leave(0);
    expect([other.blocked(0), other.quiet, other.mayTakeTurn(10_000)]).toEqual([false, false, false]);
    stopped.removeIfQuiet(); // something else has ended
    expect(other.any).toBe(true);
    says.hasStrays = false;
    stopped.removeIfQuiet();
    expect([other.quiet, other.any, other.mayTakeTurn(10_000)]).toEqual([true, false, true]);
  });
});

test('copies of the package in one process see each other, and a turn ends by itself', async () => {
  vi.resetModules();
  const copy = await import('../../../src/pool/suspects/pools-of-process.js');
  const copiedRuntime = (await import('../../../src/runtime/runtime.js')).systemRuntime;
  expect(copy.PoolsOfProcess).not.toBe(PoolsOfProcess);
  const pool = { quiet: () => false, hasStrays: () => false, claimsAlone: () => false };
  const one = new PoolsOfProcess(systemRuntime, pool);
  const other = new copy.PoolsOfProcess(copiedRuntime, pool);
  one.enter();
  one.takeTurn(0, 10);
  expect(one.mayClaimAlone).toBe(true);
  other.enter();
  expect([one.mayClaimAlone, one.blocked(5), other.blocked(5), other.mayTakeTurn(5)]).toEqual([
    false,
    false,
    true,
    false,
  ]);
  expect(other.blocked(10)).toBe(false);
  one.leave(10);
  other.leave(10);
  expect(one.any).toBe(false);
});
