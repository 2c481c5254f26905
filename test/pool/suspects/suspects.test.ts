/** Suspects: steps that crashed pods twice. They run alone. */
import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/runtime/runtime.js';
import { claimTokenOf, isAlone } from '../../../src/step/crash-suspect.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { gate, NEXT_LIFE, POD, running, type Rig } from '../support/rig.js';

const never = () => new Promise(() => undefined);
/** Ends when its signal does. */
const obedient = (_: unknown, { signal }: StepContext) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const ALONE = claimTokenOf('01234567-0123-7123-8123-0123456789ab', true);
const started = (rig: Rig): string[] => rig.events('step:started').map(({ stepId }) => stepId as string);
const demands = (rig: Rig) => rig.store.requests.flatMap(({ claim }) => (claim === undefined ? [] : [claim]));

describe('a suspect that comes to an empty pod', () => {
  test('runs at once, and nothing runs beside it', async () => {
    const door = gate();
    const rig = await running({ bad: () => door.promise, good: () => 1 }, {}, ({ store }) => {
      store.add('g1', 'good');
      store.add('p1', 'bad', { crashes: 2 });
      store.add('g2', 'good');
      store.add('p2', 'bad', { crashes: 3 });
    });
    expect(started(rig)).toEqual(['p1']);
    expect(isAlone({ claimToken: rig.store.row('p1').claimToken! })).toBe(true);
    rig.store.add('g3', 'good', { priority: 9 });
    rig.pool.wake();
    await rig.runtime.advance(60_000);
    expect(started(rig)).toEqual(['p1']);
    expect(rig.store.count('claimed')).toBe(1);
    door.open();
    await rig.runtime.advance(1_000);
    expect(rig.store.count('completed')).toBe(5);
  });

  test('starts only after what was claimed beside it has gone back', async () => {
    const rig = await running({ bad: never, good: () => 1 }, {}, ({ store }) => {
      store.latencyMs = 100;
      store.add('p1', 'bad', { crashes: 2 });
      store.addMany(3, 'good');
    });
    await rig.runtime.advance(150);
    expect(rig.pool.load).toMatchObject({ running: 0 });
    expect(rig.store.count('claimed')).toBe(4);
    await rig.runtime.advance(100);
    expect(started(rig)).toEqual(['p1']);
    expect(rig.store.count('claimed')).toBe(1);
    expect(rig.events('step:released').map(({ stepId }) => stepId)).toEqual(['good-00000', 'good-00001', 'good-00002']);
  });

  test('is read back if its reply did not come, and still runs alone', async () => {
    const rig = await running({ bad: never, good: () => 1 }, {}, ({ store }) => {
      store.add('p1', 'bad', { crashes: 2 });
      store.after = () => {
        store.after = () => undefined;
        throw new Error('reply lost');
      };
    });
    rig.store.add('g1', 'good');
    await rig.runtime.advance(5_000);
    expect(started(rig)).toEqual(['p1']);
    expect(isAlone({ claimToken: rig.store.row('p1').claimToken! })).toBe(true);
  });

  test('lets the pod claim again with the exchange that settles it', async () => {
    const door = gate();
    const rig = await running({ bad: () => door.promise, good: never }, {}, ({ store }) => {
      store.add('p1', 'bad', { crashes: 2 });
    });
    rig.store.add('g1', 'good');
    door.open();
    await rig.runtime.settle();
    const settles = rig.store.requests.find(({ settlements }) => settlements.some(({ stepId }) => stepId === 'p1'));
    expect(settles?.claim).toBeDefined();
    expect(started(rig)).toEqual(['p1', 'g1']);
  });

  test('is followed by a rest in which no token says "alone"', async () => {
    const door = gate();
    const rig = await running({ bad: () => door.promise, good: never }, {}, ({ store }) => {
      store.add('p1', 'bad', { crashes: 2 });
    });
    await rig.runtime.advance(10_000);
    rig.pool.pause();
    door.open();
    await rig.runtime.settle();
    const before = demands(rig).length;
    rig.pool.resume();
    await rig.runtime.settle();
    const { token, quarantine } = demands(rig)[before]!;
    expect([quarantine, isAlone({ claimToken: token })]).toEqual([0, false]);
  });

  test('that becomes a stray no longer blocks other steps, but no suspect runs beside it', async () => {
    const rig = await running(
      { bad: { timeoutMs: 100, run: never }, good: () => 1 },
      { abortGraceMs: 100, maxParallelism: 2 },
      ({ store }) => {
        store.add('p1', 'bad', { crashes: 2, maxRetries: 0 });
        store.add('p2', 'bad', { crashes: 2 });
        store.add('g1', 'good');
      },
    );
    await rig.runtime.advance(60_000);
    expect(rig.pool.load).toMatchObject({ strays: 1, running: 0 });
    expect(rig.store.row('g1').status).toBe('completed');
    expect(rig.store.row('p2')).toMatchObject({ status: 'pending', version: 1 }); // nor was it asked for
  });
});

describe('a suspect that comes to a busy pod', () => {
  const busy = async (options = {}, prepare: (rig: Rig) => void = () => undefined) => {
    const doors = Array.from({ length: 200 }, () => gate());
    let opened = 0;
    const rig = await running(
      { slow: () => doors[opened++]!.promise, bad: never },
      { maxParallelism: 2, ...options },
      (rig) => {
        rig.store.add('s1', 'slow');
        prepare(rig);
      },
    );
    rig.store.add('p1', 'bad', { crashes: 2 });
    rig.store.addMany(50, 'slow', { priority: 0, delayMs: 1 });
    await rig.runtime.advance(1_000);
    return { rig, doors };
  };

  test('goes back uncharged, and runs when the pod is empty', async () => {
    const { rig, doors } = await busy();
    expect(rig.events('step:released')).toMatchObject([{ stepId: 'p1', reason: 'unstarted', delayMs: 0 }]);
    expect(rig.store.row('p1')).toMatchObject({ status: 'pending', crashes: 2, retryCount: 0 });
    expect(started(rig)).toEqual(['s1']);
    doors[0]!.open();
    await rig.runtime.settle();
    expect(started(rig)).toEqual(['s1', 'p1']);
    const says = rig.store.requests.filter(({ claim }) => claim !== undefined && isAlone({ claimToken: claim.token }));
    expect(says.map(({ settlements }) => settlements.length)).toEqual([0, 0]); // never beside outcomes
  });

  test('makes claims that wait for their type go back too', async () => {
    const one = { concurrency: 1, run: never };
    const rig = await running({ one, bad: never }, { maxParallelism: 2 }, ({ store }) => {
      store.addMany(2, 'one');
      const { exchange } = store;
      const types = new Map([
        ['one', 2],
        ['bad', 1],
      ]);
      store.exchange = (request) =>
        exchange(request.claim ? { ...request, claim: { ...request.claim, types } } : request);
    });
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 1, unsettled: 0 });
    rig.store.add('p1', 'bad', { crashes: 2, priority: 9 });
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 0, unsettled: 0 });
    expect(rig.events('step:released').map(({ stepId }) => stepId)).toEqual(
      expect.arrayContaining(['one-00001', 'p1']),
    );
  });

  test('that comes to a paused pod does not empty it', async () => {
    const other = await running({ slow: never, bad: never }, { maxParallelism: 2 }, ({ store }) =>
      store.add('s1', 'slow'),
    );
    other.store.latencyMs = 100;
    other.store.add('p1', 'bad', { crashes: 2 });
    other.pool.wake();
    await other.runtime.advance(50);
    other.pool.pause();
    await other.runtime.advance(500);
    expect(other.store.row('p1').status).toBe('pending');
    other.store.cancel('p1');
    other.store.add('s2', 'slow');
    other.pool.resume();
    await other.runtime.advance(200);
    expect(started(other)).toEqual(['s1', 's2']);
  });

  test('runs only under a token that says "alone", also where the pod is empty when it comes', async () => {
    const door = gate();
    const rig = await running({ slow: () => door.promise, bad: never }, {}, ({ store }) => store.add('s1', 'slow'));
    rig.store.latencyMs = 100;
    rig.store.add('p1', 'bad', { crashes: 2 });
    rig.pool.wake();
    await rig.runtime.advance(50);
    door.open();
    await rig.runtime.advance(1_000);
    expect(started(rig)).toEqual(['s1', 'p1']);
    expect(isAlone({ claimToken: rig.store.row('p1').claimToken! })).toBe(true);
  });

  test('does not run beside what runs, whatever its token says', async () => {
    const door = gate();
    const rig = await running({ slow: () => door.promise, bad: never }, {}, ({ store }) => store.add('s1', 'slow'));
    const { exchange } = rig.store;
    rig.store.exchange = async (request) => {
      const reply = await exchange(request);
      for (const { stepId } of reply.claims) rig.store.row(stepId).claimToken = ALONE;
      return { ...reply, claims: reply.claims.map((claim) => ({ ...claim, claimToken: ALONE })) };
    };
    rig.store.add('p1', 'bad', { crashes: 2 });
    rig.pool.wake();
    await rig.runtime.advance(1_000);
    expect(started(rig)).toEqual(['s1']);
    door.open();
    await rig.runtime.advance(1_000);
    expect(started(rig)).toEqual(['s1', 'p1']);
  });

  test('of a type that is not handled here goes back and does not empty the pod', async () => {
    const rig = await running({ slow: never }, { maxParallelism: 2 }, ({ store }) => {
      store.add('s1', 'slow');
      const { exchange } = store;
      const types = new Map([
        ['slow', 1],
        ['elsewhere', 1],
      ]);
      store.exchange = (request) =>
        exchange(request.claim ? { ...request, claim: { ...request.claim, types } } : request);
    });
    rig.store.add('p1', 'elsewhere', { crashes: 2 });
    rig.store.add('s2', 'slow', { delayMs: 1 });
    rig.pool.wake();
    await rig.runtime.advance(1_000);
    expect(rig.store.row('p1').status).toBe('pending');
    expect(started(rig)).toEqual(['s1', 's2']);
  });

  test('runs as soon as the pod is empty, however long the pauses between its polls are', async () => {
    const door = gate();
    const rig = await running({ slow: () => door.promise, bad: never }, {}, ({ store }) => store.add('s1', 'slow'));
    await rig.runtime.advance(10_000);
    rig.store.add('p1', 'bad', { crashes: 2 });
    rig.pool.wake();
    await rig.runtime.settle();
    door.open();
    await rig.runtime.settle();
    expect(started(rig)).toEqual(['s1', 'p1']);
  });

  test('is never held by a token that says that the pod was empty', async () => {
    const { rig } = await busy();
    const token = demands(rig).at(-1)!.token;
    expect(isAlone({ claimToken: token })).toBe(false);
  });

  test('leaves free slots empty for 5 s at first; then the pod works on for at least as long', async () => {
    const { rig } = await busy();
    await rig.runtime.advance(3_900);
    expect(started(rig)).toEqual(['s1']);
    await rig.runtime.advance(200);
    expect(started(rig)).toEqual(['s1', 'slow-00000']);
    await rig.runtime.advance(4_800);
    expect(demands(rig).slice(-1)[0]!.quarantine).toBe(0);
  });

  test('is followed by a rest as long as its run and its wait together', async () => {
    let rig: Rig = undefined as never;
    const after = (ms: number) => () => sleep(rig.runtime, ms);
    await running({ slow: after(4_000), bad: after(2_000), good: never }, { maxParallelism: 2 }, (made) => {
      rig = made;
      rig.store.add('s1', 'slow');
      rig.store.add('p1', 'bad', { crashes: 2, delayMs: 100 });
    });
    await rig.runtime.advance(4_000);
    rig.store.add('g1', 'good');
    await rig.runtime.advance(2_050);
    expect(started(rig)).toEqual(['s1', 'p1', 'g1']);
    const before = demands(rig).length;
    for (let i = 0; i < 58; i++) {
      rig.pool.wake();
      await rig.runtime.advance(100);
    }
    const since = demands(rig).slice(before);
    expect(since.length).toBeGreaterThan(50);
    expect(since.filter(({ quarantine }) => quarantine === 1)).toEqual([]);
  });

  test('runs in the end, however long the other handlers take, and the pod goes on meanwhile', async () => {
    const LONG = 120_000;
    let rig: Rig = undefined as never;
    const slow = (_: unknown, { signal }: StepContext) => sleep(rig.runtime, LONG, signal);
    rig = await running({ slow, bad: () => 1 }, { maxParallelism: 4, drainTimeoutMs: 0 }, (made) => {
      rig = made;
      made.store.addMany(4, 'slow');
    });
    for (let i = 0; i < 200; i++) rig.store.add(`more-${String(i).padStart(3, '0')}`, 'slow');
    rig.store.add('p1', 'bad', { crashes: 2 });
    rig.store.row('p1').runAt = -1; // as old as what came first
    await rig.runtime.advance(7 * LONG);
    expect(rig.store.row('p1').status).toBe('completed');
    expect(rig.store.count('completed')).toBeGreaterThan(8);
  });

  test('no longer empties the pod once another pod has it', async () => {
    const { rig, doors } = await busy();
    rig.store.cancel('p1');
    doors[0]!.open();
    await rig.runtime.settle();
    expect(started(rig).slice(1)).toEqual(['slow-00000', 'slow-00001']);
    doors[1]!.open();
    await rig.runtime.settle();
    expect(started(rig).slice(3)).toEqual(['slow-00002']); // as usual, though the pod is not empty
  });

  test.each([1, 2])('waits for a type at its limit too (concurrency %i)', async (concurrency) => {
    const door = gate();
    const rig = await running({ one: { concurrency, run: () => door.promise } }, {}, ({ store }) =>
      store.add('s1', 'one'),
    );
    rig.store.add('p1', 'one', { crashes: 2 });
    rig.pool.wake();
    await rig.runtime.advance(500);
    expect(started(rig)).toEqual(['s1']);
    door.open();
    await rig.runtime.advance(500);
    expect(started(rig)).toEqual(['s1', 'p1']);
  });

  test('alternates with other work on a pod of one slot', async () => {
    const order: string[] = [];
    const run = async (_: unknown, { stepId }: StepContext) => void order.push(stepId);
    const rig = await running({ bad: run, good: run }, { maxParallelism: 1 }, ({ store }) => {
      for (let i = 0; i < 4; i++) store.add(`p${i}`, 'bad', { crashes: 2 });
      store.addMany(20, 'good', { delayMs: 0 });
    });
    await rig.runtime.advance(60_000);
    expect(rig.store.count('completed')).toBe(24);
    expect(order).toHaveLength(24);
  });

  test('does not prevent a stop, a pause or a new incarnation', async () => {
    const { rig, doors } = await busy();
    rig.pool.pause();
    doors[0]!.open();
    await rig.runtime.advance(1_000);
    expect(started(rig)).toEqual(['s1']);
    rig.pool.resume();
    await rig.runtime.settle();
    expect(started(rig)[1]).toBe('p1');
    rig.pool.fence(false);
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.advance(10_000);
    expect(rig.pool.load.strays).toBe(1); // the suspect's handler is deaf
    expect(started(rig).slice(2)).toEqual(['slow-00000']);
  });
});

describe('a suspect that waits for its start', () => {
  const waiting = (prepare: (rig: Rig) => void = () => undefined) =>
    running({ bad: obedient, good: () => 1 }, {}, (rig) => {
      rig.store.latencyMs = 100;
      rig.store.add('p1', 'bad', { crashes: 2 });
      rig.store.addMany(2, 'good');
      prepare(rig);
    });

  test('is given back by a pause, and the pod works on after it', async () => {
    const rig = await waiting();
    await rig.runtime.advance(150);
    rig.pool.pause();
    await rig.runtime.advance(1_000);
    expect(rig.store.count('pending')).toBe(3);
    rig.pool.resume();
    await rig.runtime.advance(1_000);
    expect(started(rig)).toEqual(['p1']);
  });

  test('is cancelled', async () => {
    const rig = await waiting();
    await rig.runtime.advance(150);
    rig.store.cancel('p1');
    rig.pool.abort('p1', Infinity);
    await rig.runtime.advance(5_000);
    expect(started(rig)).toEqual(['good-00000', 'good-00001']);
    expect(rig.store.row('p1').status).toBe('cancelled');
  });

  test('is dropped with the incarnation that claimed it', async () => {
    const rig = await waiting();
    await rig.runtime.advance(150);
    rig.pool.fence(false);
    rig.pool.admit(NEXT_LIFE);
    await rig.runtime.advance(5_000);
    expect(rig.store.held(POD).map(({ stepId }) => stepId)).toEqual(['p1']); // an orphan, for recovery
    expect(rig.pool.load).toMatchObject({ unstarted: 0, unsettled: 0, running: 0 });
    expect(started(rig)).toEqual(['good-00000', 'good-00001']); // the pod works on
  });
});

test('a step without crashes that an empty pod claimed runs beside others as usual', async () => {
  const rig = await running({ good: never }, {}, ({ store }) => store.add('g1', 'good'));
  rig.store.addMany(3, 'good');
  rig.pool.wake();
  await rig.runtime.advance(1_000);
  expect(rig.pool.load.running).toBe(4);
});
