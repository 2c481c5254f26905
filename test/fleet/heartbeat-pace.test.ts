import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { HeartbeatPace, type HeartbeatLimits } from '../../src/fleet/heartbeat-pace.js';
import type { Store } from '../../src/store/contract.js';
import { World, type Member } from './support/world.js';

const SETTINGS = { heartbeatIntervalMs: 30_000, deadAfterMs: 180_000 };
const PER_POD_MS = 440;

/** A heartbeat that is sent and answered at once. */
function beat(pace: HeartbeatPace): HeartbeatLimits {
  const limits = pace.wanted;
  pace.answered(pace.sent(), limits);
  return limits;
}

function paceOf(live: number, settings = SETTINGS): HeartbeatPace {
  const pace = new HeartbeatPace(settings, PER_POD_MS);
  pace.counted(live);
  return pace;
}

describe('the interval', () => {
  it('is that of the settings for as long as the fleet is small', () => {
    for (const live of [0, 1, 10, 68])
      expect(paceOf(live).wanted).toEqual({ heartbeatMs: 30_000, deadAfterMs: 180_000 });
  });

  it('leaves each live pod its time, and dead-after at least four intervals', () => {
    for (let live = 0; live <= 3_000; live += 7) {
      const { heartbeatMs, deadAfterMs } = paceOf(live).wanted;
      expect(heartbeatMs).toBeGreaterThanOrEqual(Math.max(30_000, PER_POD_MS * live));
      expect(deadAfterMs).toBeGreaterThanOrEqual(Math.max(180_000, 4 * heartbeatMs));
    }
  });

  it('is never shorter than a longer one of the settings, and keeps their dead-after', () => {
    const settings = { heartbeatIntervalMs: 60_000, deadAfterMs: 190_000 };
    expect(paceOf(100, settings).wanted).toEqual({ heartbeatMs: 60_000, deadAfterMs: 190_000 });
    expect(paceOf(200, settings).wanted).toEqual({ heartbeatMs: 110_000, deadAfterMs: 440_000 });
    expect(paceOf(200, { heartbeatIntervalMs: 30_000, deadAfterMs: 900_000 }).wanted.deadAfterMs).toBe(900_000);
  });

  it('does not change with single pods that come and go', () => {
    const pace = paceOf(100);
    const { wanted } = pace;
    for (let live = 76; live <= 125; live++) {
      pace.counted(live);
      expect(pace.wanted).toBe(wanted);
    }
    pace.counted(126);
    expect(pace.wanted.heartbeatMs).toBe(69_300);
  });

  it('shrinks with a fleet that has become much smaller, down to that of the settings', () => {
    const pace = paceOf(1_000);
    expect(pace.wanted.heartbeatMs).toBe(550_000);
    pace.counted(500);
    expect(pace.wanted.heartbeatMs).toBe(275_000);
    pace.counted(1);
    expect(pace.wanted).toEqual({ heartbeatMs: 30_000, deadAfterMs: 180_000 });
  });

  it('does not depend on the fleet if the store does not ask for it', () => {
    const pace = new HeartbeatPace(SETTINGS);
    pace.counted(10_000);
    expect([pace.scales, pace.wanted.heartbeatMs]).toEqual([false, 30_000]);
  });

  it('counts as soon as a longer one was answered, and at once if it is shorter', () => {
    const pace = paceOf(200);
    expect(pace.intervalMs).toBe(30_000); // what peers know
    beat(pace);
    expect(pace.intervalMs).toBe(110_000);
    pace.counted(1);
    expect(pace.intervalMs).toBe(30_000);
  });
});

describe('the fence', () => {
  it('uses the lesser of two until the greater is answered', () => {
    const pace = paceOf(200);
    const order = pace.sent();
    expect([pace.fenceAfterMs, pace.deadAfterMs]).toEqual([135_000, 180_000]);
    pace.answered(order, pace.wanted);
    expect([pace.fenceAfterMs, pace.deadAfterMs]).toEqual([330_000, 440_000]);
    pace.counted(1);
    expect(pace.deadAfterMs).toBe(440_000); // not sent yet
    pace.sent();
    expect([pace.fenceAfterMs, pace.deadAfterMs]).toEqual([135_000, 180_000]);
  });

  it('holds to a lesser one whose answer was lost until a later one is answered', () => {
    const pace = paceOf(200);
    beat(pace);
    pace.counted(1);
    pace.sent(); // it may have arrived
    pace.counted(200);
    const order = pace.sent();
    expect(pace.deadAfterMs).toBe(180_000);
    pace.answered(order, pace.wanted);
    expect(pace.deadAfterMs).toBe(440_000);
  });

  it('holds to what was sent after a heartbeat whose answer comes late', () => {
    const pace = paceOf(200);
    beat(pace);
    const slow = { order: pace.sent(), limits: pace.wanted };
    pace.counted(1);
    pace.sent();
    pace.answered(slow.order, slow.limits);
    expect(pace.deadAfterMs).toBe(180_000);
  });

  it('holds to what a new incarnation has registered', () => {
    const pace = paceOf(200);
    pace.sent();
    pace.registered();
    expect(pace.deadAfterMs).toBe(440_000);
  });

  it('never lets the pod proceed past the time at which others may evict it', () => {
    const act = fc.record({
      waitMs: fc.integer({ min: 0, max: 200_000 }),
      live: fc.integer({ min: 1, max: 400 }),
      /** A heartbeat arrives or not, at once or before one of the next ones; its answer arrives or not. */
      arrives: fc.constantFrom<'now' | 'later' | 'never'>('now', 'later', 'never'),
      isAnswered: fc.boolean(),
    });
    const property = fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const pace = new HeartbeatPace(SETTINGS, PER_POD_MS);
      pace.registered();
      let now = 0;
      let answeredAt = 0;
      /** What the store has: the newest heartbeat by its number, and the last sign of life. */
      let row = { order: 0, ...pace.wanted };
      let heardAt = 0;
      let late: { order: number; limits: HeartbeatLimits }[] = [];
      const arrive = (order: number, limits: HeartbeatLimits): void => {
        heardAt = now;
        if (order > row.order) row = { order, ...limits };
      };
      const isSafe = (): void => {
        const worksUntil = answeredAt + pace.fenceAfterMs + pace.marginMs; // a freeze up to the margin goes unnoticed
        expect(worksUntil).toBeLessThanOrEqual(heardAt + row.deadAfterMs);
      };
      for (const { waitMs, live, arrives, isAnswered } of acts) {
        now += waitMs;
        for (const { order, limits } of late) arrive(order, limits);
        late = [];
        isSafe();
        const limits = pace.wanted;
        const order = pace.sent();
        isSafe();
        if (arrives === 'later') late.push({ order, limits });
        if (arrives === 'now') {
          arrive(order, limits);
          isSafe();
          if (!isAnswered) continue;
          pace.answered(order, limits);
          answeredAt = now;
          isSafe();
          pace.counted(live);
          isSafe();
        }
      }
    });
    fc.assert(property, { numRuns: 500 });
  });
});

describe('a fleet', () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.close();
    world = undefined;
  });

  /** The store of the world, with a rhythm that depends on the fleet. */
  function scaling(store: Store): Store {
    const rhythm = { ...store.rhythm, heartbeatPerPodMs: PER_POD_MS };
    return new Proxy(store, {
      get: (target, key) => {
        if (key === 'rhythm') return rhythm;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  async function fleetOf(count: number, scales: (index: number) => boolean = () => true): Promise<Member[]> {
    world = new World();
    await world.open();
    const opened = world;
    const pods = Array.from({ length: count }, (_, index) =>
      opened.pod(`pod-${index}`, {}, scales(index) ? scaling(opened.connection()) : opened.connection()),
    );
    await opened.runtime.until(Promise.all(pods.map((pod) => pod.start())));
    return pods;
  }

  const limitsOf = async () =>
    (await world!.store.fleet()).map(({ heartbeatMs, deadAfterMs }) => [heartbeatMs, deadAfterMs]);
  const beats = (pods: readonly Member[]) => pods.reduce((sum, pod) => sum + pod.line.count('heartbeat'), 0);
  const evictions = (pods: readonly Member[]) => pods.flatMap((pod) => pod.recorded.of('pod:fenced'));

  it('of forty pods that start at once slows down together, and nobody is fenced or evicted', async () => {
    const pods = await fleetOf(40);
    await world!.advance(60_000);
    expect(new Set((await limitsOf()).map(String))).toEqual(new Set(['22000,88000']));
    const before = beats(pods);
    await world!.advance(220_000);
    expect(beats(pods) - before).toBeLessThanOrEqual(40 * 12); // ten intervals, each up to a tenth shorter
    expect(evictions(pods)).toEqual([]);
  });

  it('goes back to the interval of the settings when most pods have left', async () => {
    const pods = await fleetOf(20);
    await world!.advance(30_000);
    expect((await limitsOf())[0]).toEqual([11_000, 44_000]);
    for (const pod of pods.slice(3)) await world!.runtime.until(pod.stop());
    await world!.advance(30_000);
    expect(await limitsOf()).toEqual(Array.from({ length: 3 }, () => [2_000, 15_000]));
    expect(evictions(pods)).toEqual([]);
  });

  it('evicts a dead pod after the dead-after that it has stated last, and not before', async () => {
    const pods = await fleetOf(20);
    await world!.advance(30_000);
    const [dead] = pods.slice(-1);
    dead!.kill();
    await world!.advance(40_000);
    expect(await limitsOf()).toHaveLength(20);
    await world!.advance(120_000);
    expect(await limitsOf()).toHaveLength(19);
  });

  it('works with pods that keep the interval of the settings, and nobody evicts anybody', async () => {
    const pods = await fleetOf(20, (index) => index % 2 === 0);
    await world!.advance(200_000);
    expect(await limitsOf()).toHaveLength(20);
    expect(new Set((await limitsOf()).map(String))).toEqual(new Set(['11000,44000', '2000,15000']));
    expect(evictions(pods)).toEqual([]);
    const [fixed] = pods.slice(-1);
    fixed!.kill();
    await world!.advance(120_000);
    expect(await limitsOf()).toHaveLength(19);
  });

  it('fences a pod by the lesser dead-after while no heartbeat with the greater is answered', async () => {
    const pods = await fleetOf(20);
    const [pod] = pods;
    pod!.line.breaks('hangs');
    await world!.advance(11_500);
    expect(evictions([pod!]).map(({ reason }) => reason)).toEqual(['silent']);
    expect(pods.slice(1).flatMap((each) => evictions([each]))).toEqual([]);
  });
});
