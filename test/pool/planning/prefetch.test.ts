import { describe, expect, onTestFinished, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { claimCounts, type ClaimCountInput } from '../../../src/pool/planning/prefetch.js';
import { CompletionRate } from '../../../src/pool/execution/completion-rate.js';
import { gate, Rig, running } from '../support/rig.js';

const idle: ClaimCountInput = {
  ...{ slots: 8, busy: 0, unstarted: 0, startable: 0, rate: 0, intervalMs: 1_000, roundTripMs: 500 },
  ...{ maxPrefetch: 500, batch: 250 },
};

describe('how many to ask for', () => {
  test.each<[string, Partial<ClaimCountInput>, { free: number; prefetch: number }]>([
    ['the free slots alone, while nothing has completed', {}, { free: 8, prefetch: 0 }],
    ['less those that have work', { busy: 3 }, { free: 5, prefetch: 0 }],
    ['none where strays and handlers fill all', { busy: 8 }, { free: 0, prefetch: 0 }],
    ['ahead: rate × (interval + round trip)', { busy: 8, rate: 0.02 }, { free: 0, prefetch: 30 }],
    ['less what is held', { busy: 8, rate: 0.02, unstarted: 10, startable: 10 }, { free: 0, prefetch: 20 }],
    [
      'what will start counts against the free slots',
      { busy: 6, unstarted: 1, startable: 1 },
      { free: 1, prefetch: 0 },
    ],
    [
      'what waits for its type’s turn does not',
      { busy: 6, rate: 0.002, unstarted: 2, startable: 0 },
      { free: 2, prefetch: 1 },
    ],
    [
      'what starts now is not held ahead any more',
      { busy: 6, rate: 0.002, unstarted: 2, startable: 2 },
      { free: 0, prefetch: 3 },
    ],
    ['at most the option', { busy: 8, rate: 10, maxPrefetch: 100 }, { free: 0, prefetch: 100 }],
    ['at most the store’s batch', { rate: 10 }, { free: 8, prefetch: 242 }],
    ['the free ones first', { slots: 300, rate: 10 }, { free: 250, prefetch: 0 }],
    ['none ahead where the option says so', { rate: 10, maxPrefetch: 0 }, { free: 8, prefetch: 0 }],
    ['never fewer than none', { busy: 9, unstarted: 600, startable: 600, rate: 0.001 }, { free: 0, prefetch: 0 }],
  ])('%s', (_, given, expected) => {
    expect(claimCounts({ ...idle, ...given })).toEqual(expected);
  });
});

/** The rate of 8 slots, with a clock that only work moves. */
function clocked() {
  const rate = new CompletionRate(8);
  let now = 0;
  return {
    completed: (durationMs: number) => rate.completed(durationMs),
    forget: () => rate.forget(),
    perMs: (memoryMs?: number) => rate.perMs(now, memoryMs),
    busy: (ms: number, share = 1) => {
      rate.working(now, share);
      now += ms;
      rate.working(now, 0);
    },
  };
}

describe('the rate', () => {
  test('is 0 while nothing has completed, however long that takes', () => {
    const rate = clocked();
    expect(rate.perMs()).toBe(0);
    rate.busy(60_000);
    expect(rate.perMs()).toBe(0);
  });

  test('counts time with work only', () => {
    const rate = clocked();
    for (let i = 0; i < 10; i++) rate.completed(100);
    rate.busy(500);
    expect(rate.perMs()).toBeCloseTo(10 / 500);
    expect(rate.perMs()).toBeCloseTo(10 / 500); // an idle hour later
  });

  test('counts only the slots that work while nothing is left to start', () => {
    const rate = clocked();
    for (let i = 0; i < 4; i++) rate.completed(1_000); // for a second four of eight slots were idle
    rate.busy(1_000, 0.5);
    expect(rate.perMs()).toBeCloseTo(8 / 1_000);
  });

  test('fades when nothing completes any more', () => {
    const rate = clocked();
    for (let i = 0; i < 1_000; i++) rate.completed(1);
    rate.busy(100);
    rate.perMs();
    for (let i = 0; i < 5; i++) {
      rate.busy(1_000);
      rate.perMs();
    }
    expect(rate.perMs()).toBeLessThan(0.01);
  });

  test('is never above what the slots can do, even if long handlers end together', () => {
    const rate = clocked();
    rate.busy(600_000);
    rate.perMs();
    for (let i = 0; i < 8; i++) rate.completed(600_000);
    rate.busy(1);
    expect(rate.perMs()).toBeLessThanOrEqual(8 / 600_000 + 1e-9);
  });

  test('counts completions for the given time, so that a slow store has enough of them', () => {
    const after = (memoryMs: number): number => {
      const rate = clocked();
      for (let i = 0; i < 100; i++) rate.completed(1);
      rate.busy(1_000);
      rate.perMs(memoryMs);
      rate.busy(1_000);
      return rate.perMs(memoryMs);
    };
    expect(after(10_000)).toBeCloseTo((100 * Math.exp(-0.1)) / (1_000 * Math.exp(-0.1) + 1_000));
    expect(after(10)).toBe(after(1_000)); // but never for less than a second
  });

  test('is forgotten on request', () => {
    const rate = clocked();
    rate.completed(1);
    rate.busy(1);
    rate.forget();
    expect(rate.perMs()).toBe(0);
  });
});

describe('over a slow store', () => {
  /** Steps of 100 ms in four slots, over a store whose exchanges take half a second. */
  const slow = (options = {}) =>
    running(
      { work: () => new Promise((resolve) => clock.rig!.runtime.after(100, () => resolve(1))) },
      { maxParallelism: 4, ...options },
      (rig) => {
        clock.rig = rig;
        rig.store.latencyMs = 500;
        rig.store.addMany(2_000, 'work');
      },
    );
  const clock: { rig?: Rig } = {};

  test('the first request asks for the free slots only', async () => {
    const rig = await slow();
    expect(rig.store.requests[0]!.claim).toMatchObject({ free: 4, prefetch: 0 });
    await rig.runtime.advance(600);
  });

  test('the slots stay busy', async () => {
    const rig = await slow();
    await rig.runtime.advance(5_000);
    const before = rig.events('step:started').length;
    await rig.runtime.advance(10_000);
    const perSecond = (rig.events('step:started').length - before) / 10;
    expect(perSecond).toBeGreaterThan(0.9 * 40);
    const { unstarted, unsettled } = rig.pool.load;
    expect(unstarted + unsettled).toBeLessThan(100);
    rig.pool.pause();
    await rig.runtime.advance(2_000);
  });

  test('and idle without it', async () => {
    const rig = await slow({ maxPrefetch: 0 });
    await rig.runtime.advance(5_000);
    const before = rig.events('step:started').length;
    await rig.runtime.advance(10_000);
    expect((rig.events('step:started').length - before) / 10).toBeLessThan(0.5 * 40);
    rig.pool.pause();
    await rig.runtime.advance(2_000);
  });

  test('the slots stay busy while the store asks for seconds between exchanges, and once that is known nothing is given back', async () => {
    const rig = await running(
      { work: () => new Promise((resolve) => clock.rig!.runtime.after(100, () => resolve(1))) },
      { maxParallelism: 4 },
      (made) => {
        clock.rig = made;
        made.store.latencyMs = 500;
        made.store.pace = { waitMs: 2_000, batch: 1_000, intervalMs: 2_500 };
        made.store.addMany(2_000, 'work');
      },
    );
    await rig.runtime.advance(30_000);
    const [started, released] = [rig.events('step:started').length, rig.events('step:released').length];
    await rig.runtime.advance(10_000);
    expect((rig.events('step:started').length - started) / 10).toBeGreaterThan(0.9 * 40);
    expect(rig.events('step:released')).toHaveLength(released);
    rig.pool.pause();
    await rig.runtime.advance(5_000);
  });

  test('a type of concurrency 1 does not fill the ready queue', async () => {
    const rig = await running(
      {
        single: { concurrency: 1, run: () => new Promise((r) => clock.rig!.runtime.after(2_000, () => r(1))) },
        quick: () => new Promise((r) => clock.rig!.runtime.after(20, () => r(1))),
      },
      { maxParallelism: 4 },
      (rig) => {
        clock.rig = rig;
        rig.store.latencyMs = 300;
        rig.store.addMany(100, 'single', { priority: 5 });
        rig.store.addMany(3_000, 'quick');
      },
    );
    let most = 0;
    for (let i = 0; i < 100; i++) {
      await rig.runtime.advance(100);
      const held = rig.pool.snapshot().claims.filter(({ claim }) => claim.type === 'single');
      most = Math.max(most, held.length);
    }
    expect(most).toBeLessThanOrEqual(2);
    expect(rig.events('step:started').filter(({ type }) => type === 'single').length).toBeGreaterThanOrEqual(4);
    expect(rig.events('step:completed').filter(({ type }) => type === 'quick').length).toBeGreaterThan(500);
    rig.pool.pause();
    await rig.runtime.advance(5_000);
  });
});

describe('an urgent step that becomes due behind a full ready queue', () => {
  const LATENCY = 500;
  const QUICK = 20;
  const SLOTS = 4;

  /** A pod that has claimed ahead for quick steps and holds slow ones now; then an urgent one falls due. */
  async function behind(slow: number, afterMs: number): Promise<Rig> {
    const work = (ms: number) => () => new Promise((done) => rig.runtime.after(ms, () => done(1)));
    const types = { quick: work(QUICK), slow: work(slow), urgent: () => 1 };
    const rig = new Rig(types, { maxParallelism: SLOTS });
    rig.store.latencyMs = LATENCY;
    rig.store.addMany(400, 'quick', { priority: 1 });
    rig.store.addMany(300, 'slow');
    await rig.start();
    onTestFinished(() => rig.stop());
    while (rig.events('step:started').at(-1)?.type !== 'slow') await rig.runtime.advance(QUICK);
    await rig.runtime.advance(afterMs);
    expect(rig.pool.snapshot().claims.length).toBeGreaterThan(10 * SLOTS);
    rig.store.add('urgent', 'urgent', { priority: 9 });
    return rig;
  }

  test.each([
    [100, 0],
    [100, 700],
    [300, 0],
    [300, 350],
    [1_500, 0],
    [1_500, 900],
  ])(
    'is claimed once the waiting claims have started or were given back, and starts next: %i ms, %i',
    async (slow, afterMs) => {
      const rig = await behind(slow, afterMs);
      const from = rig.runtime.monotonicMs();
      const earlier = rig.emitted.length;
      const claimed = () => rig.emitted.findIndex(({ name, payload }, i) => i >= earlier && name === 'step:claimed' && payload.stepId === 'urgent'); // prettier-ignore
      while (claimed() < 0) await rig.runtime.advance(10);
      // What is held starts or is given back within the longest wait; then a slot gets free; an exchange may be in flight.
      const maxWaitMs = Math.max(1_000, 2 * Math.max(LATENCY, slow));
      expect(rig.runtime.monotonicMs() - from).toBeLessThanOrEqual(maxWaitMs + slow + 2 * LATENCY + 10);
      const started = () => rig.emitted.slice(claimed()).find(({ name }) => name === 'step:started');
      while (started() === undefined) await rig.runtime.advance(10);
      expect(started()?.payload).toMatchObject({ stepId: 'urgent' });
      rig.pool.pause();
      await rig.runtime.advance(slow + 2_000);
    },
  );
});

describe('concurrency of a type', () => {
  test('asks for its room and for what becomes free soon, and for nothing if strays fill it', async () => {
    const handler = new TypeHandler({ type: 't', schema: undefined, run: () => undefined, concurrency: 2 });
    expect(handler.useful(1_000)).toBe(2); // nothing is known of how long it takes
    handler.took(100);
    expect(handler.useful(1_000)).toBe(2 + 20);
    for (let i = 0; i < 5; i++) handler.claimQueued();
    expect(handler.useful(1_000)).toBe(2 + 20 - 5);
    for (let i = 0; i < 5; i++) handler.claimDequeued();
    const doors = [gate(), gate()];
    const running = doors.map((door) => handler.limit!(() => door.promise));
    expect(handler.useful(1_000)).toBe(20);
    handler.strayAdded();
    expect(handler.useful(1_000)).toBe(10);
    handler.strayAdded();
    expect(handler.useful(1_000)).toBe(0);
    for (const door of doors) door.open();
    await Promise.all(running);
  });

  test('bounds what runs at a time, beside the others', async () => {
    let now = 0;
    let most = 0;
    const doors = Array.from({ length: 6 }, () => gate());
    const rig = await running(
      {
        two: {
          concurrency: 2,
          run: async (i: number) => {
            most = Math.max(most, ++now);
            await doors[i]!.promise;
            now--;
          },
        },
        other: () => 1,
      },
      { maxParallelism: 10 },
      ({ store }) => {
        for (let i = 0; i < 6; i++) store.add(`s${i}`, 'two', { args: i });
        store.addMany(50, 'other', { priority: -1 });
      },
    );
    expect(rig.store.count('completed')).toBe(50);
    expect(rig.pool.load.running).toBe(2);
    for (const door of doors) {
      door.open();
      await rig.runtime.settle();
    }
    await rig.runtime.advance(1_000);
    expect(rig.store.count('completed')).toBe(56);
    expect(most).toBe(2);
  });
});
