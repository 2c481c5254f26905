/** The store's clock: one time for all processes that share a file, whatever their wall clocks say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Runtime } from '../../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import {
  StoreClock,
  type FileTimes,
  type RecordedOffset,
  type RecordedHeartbeat,
} from '../../../../src/store/sqlite/clock/store-clock.js';
import { newStep } from '../../../conformance/harness.js';
import { claimed, joined, newCore, newFile, newStore, rawConnection } from '../support/files.js';

const HOUR = 3_600_000;
const BEAT = { eligible: true, asleep: false, meta: {} };
const A = { podId: 'a', incarnation: 'life-a' };
const B = { podId: 'b', incarnation: 'life-b' };

describe('the clock', () => {
  const heartbeatAt = (heardAt: number, hostMs: number, boot = 'now'): RecordedHeartbeat => ({
    heardAt,
    deadAfterMs: 15_000,
    hostMs,
    boot,
  });

  it('starts with the wall clock if no pod lives', () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    const clock = new StoreClock(runtime, 'now');
    clock.set({ newest: 0, heartbeats: [], offset: undefined });
    expect(clock.now()).toBe(5_000_000);
  });

  it('never starts below the newest instant in the file', () => {
    const clock = new StoreClock(new VirtualRuntime({ wallMs: 5_000_000 }), 'now');
    clock.set({ newest: 6_000_000, heartbeats: [], offset: undefined });
    expect(clock.now()).toBe(6_000_000);
  });

  it('continues from the newest heartbeat of a living fleet, whatever the wall clock says', async () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    await runtime.advance(1_000);
    const clock = new StoreClock(runtime, 'now');
    clock.set({
      newest: 2_000_000,
      heartbeats: [heartbeatAt(1_999_000, 100), heartbeatAt(2_000_000, 400)],
      offset: undefined,
    });
    expect(clock.now()).toBe(2_000_600);
  });

  it.each([
    ['has been silent for longer than it may', heartbeatAt(2_000_000, 4_000)],
    ['sent it under another boot', heartbeatAt(2_000_000, 19_900, 'before')],
    ['sent it later than now, by the clock of another host', heartbeatAt(2_000_000, 50_000)],
  ])('ignores the sign of life of a pod that %s', async (_what, sign) => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    await runtime.advance(20_000);
    const clock = new StoreClock(runtime, 'now');
    clock.set({ newest: 2_000_000, heartbeats: [sign], offset: undefined });
    expect(clock.now()).toBe(5_020_000);
  });

  const recorded = (since: number, hostMs: number, boot = 'now', offsetMs = 0): RecordedOffset => ({
    since,
    offsetMs,
    hostMs,
    boot,
  });

  it.each([
    ['has not changed', 0],
    ['was set forward', HOUR],
    ['was set back', -HOUR],
  ])('continues within one boot after a long time without pods if the wall clock %s', async (_what, shiftMs) => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    await runtime.advance(20_000);
    runtime.shiftWall(shiftMs);
    const clock = new StoreClock(runtime, 'now');
    expect(clock.set({ newest: 0, heartbeats: [heartbeatAt(2_000_100, 100)], offset: recorded(2_000_000, 0) })).toBe(
      false,
    );
    expect(clock.now()).toBe(2_020_000);
  });

  it('continues from the wall clock after another boot, minus the recorded offset', () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    const clock = new StoreClock(runtime, 'now');
    clock.set({ newest: 0, heartbeats: [], offset: recorded(3_000_000, 0, 'before', -HOUR) });
    expect(clock.now()).toBe(5_000_000 + HOUR);
  });

  it('does not mistake one boot for another if the platform has no boot id', async () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    await runtime.advance(20_000);
    const clock = new StoreClock(runtime, '');
    clock.set({ newest: 0, heartbeats: [], offset: recorded(2_000_000, 0, '') });
    expect(clock.now()).toBe(5_020_000);
  });

  it('does not continue from a monotonic clock that was ahead, because that clock has restarted', () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    const clock = new StoreClock(runtime, 'now');
    clock.set({ newest: 0, heartbeats: [], offset: recorded(2_000_000, 50_000) });
    expect(clock.now()).toBe(5_000_000);
  });

  it('reports no wall clock if the thread was interrupted between the two readings', () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    let monotonic = 0;
    const slow = (ms: number): Runtime => ({
      wallMs: () => runtime.wallMs(),
      monotonicMs: () => (monotonic += ms),
      random: () => runtime.random(),
      uuid: () => runtime.uuid(),
      after: (delayMs, callback) => runtime.after(delayMs, callback),
      yield: () => runtime.yield(),
    });
    expect(new StoreClock(slow(30), 'now').instant().wallMs).toBe(null);
    expect(new StoreClock(slow(3), 'now').instant().wallMs).toBe(5_000_000);
    let reads = 0;
    const once = { ...slow(0), monotonicMs: () => (monotonic += ++reads === 4 ? 30 : 0) }; // in the first reading
    expect(new StoreClock(once, 'now').instant().wallMs).toBe(5_000_000);
  });

  it('runs by monotonic time, so no step of the wall clock moves it', async () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    const clock = new StoreClock(runtime, 'now');
    clock.set({ newest: 0, heartbeats: [], offset: undefined });
    runtime.shiftWall(-HOUR);
    await runtime.advance(10);
    expect(clock.now()).toBe(5_000_010);
    runtime.shiftWall(2 * HOUR);
    expect(clock.now()).toBe(5_000_010);
  });

  it('is raised by a newer heartbeat, and runs on from it', async () => {
    const runtime = new VirtualRuntime({ wallMs: 5_000_000 });
    const clock = new StoreClock(runtime, 'now');
    clock.heard(7_000_000);
    await runtime.advance(5);
    expect(clock.now()).toBe(7_000_005);
    clock.heard(6_000_000);
    expect(clock.now()).toBe(7_000_005);
  });

  it('never goes back, and is as fast as real time', async () => {
    const happening = fc.oneof(
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 60_000 }) }),
      fc.record({ kind: fc.constant('step' as const), ms: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }) }),
      fc.record({ kind: fc.constant('hear' as const), ms: fc.integer({ min: -HOUR, max: HOUR }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
        const runtime = new VirtualRuntime();
        const clock = new StoreClock(runtime, 'now');
        for (const { kind, ms } of happenings) {
          const before = clock.now();
          if (kind === 'pass') await runtime.advance(ms);
          if (kind === 'step') runtime.shiftWall(ms);
          if (kind === 'hear') clock.heard(before + ms);
          const expected = before + (kind === 'pass' ? ms : kind === 'hear' ? Math.max(0, ms) : 0);
          expect(clock.now()).toBe(expected);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe.each([
  ['ahead', HOUR],
  ['behind', -HOUR],
])('a process whose wall clock is an hour %s', (_word, shiftMs) => {
  async function pair() {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const first = await newStore({ path }, runtime);
    await joined(first, A, 15_000);
    await runtime.advance(1_700);
    const shifted = runtime.fork();
    shifted.shiftWall(shiftMs);
    const second = await newStore({ path }, shifted);
    await joined(second, B, 15_000);
    return { runtime, shifted, first, second };
  }

  it('neither evicts other pods nor is evicted', async () => {
    const { runtime, first, second } = await pair();
    for (let beats = 0; beats < 3; beats++) {
      await runtime.advance(2_000);
      for (const [store, pod] of [
        [first, A],
        [second, B],
      ] as const) {
        const { pods } = await store.heartbeat(pod, BEAT);
        expect(pods.map(({ silentForMs }) => silentForMs <= 2_000)).toEqual([true, true]);
        expect(await store.evict([A, B])).toEqual([]);
      }
    }
    await runtime.advance(15_001);
    await second.heartbeat(B, BEAT);
    expect(await second.evict([A, B])).toEqual([A]);
  });

  it('delays a step for the same time in both processes', async () => {
    const { runtime, first, second } = await pair();
    const [mine, theirs] = [newStep({ delayMs: 10_000 }), newStep({ delayMs: 10_000 })];
    await first.submit([mine]);
    await second.submit([theirs]);
    await runtime.advance(9_900);
    expect(await claimed(first, {}, A)).toEqual([]);
    expect(await claimed(second, {}, B)).toEqual([]);
    await runtime.advance(200);
    expect(await claimed(second, { free: 1 }, B)).toHaveLength(1);
    expect(await claimed(first, { free: 1 }, A)).toHaveLength(1);
  });

  it('keeps its delays if its wall clock changes while the file is open', async () => {
    const { runtime, shifted, second } = await pair();
    const step = newStep({ delayMs: 10_000 });
    await second.submit([step]);
    shifted.shiftWall(-2 * shiftMs);
    await runtime.advance(9_900);
    expect(await claimed(second, {}, B)).toEqual([]);
    await runtime.advance(200);
    expect(await claimed(second, {}, B)).toHaveLength(1);
  });
});

describe('a store that has been open for a while', () => {
  it('continues from the newest heartbeat in the file, of any process', async () => {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const store = await newStore({ path }, runtime);
    await joined(store, A, 15_000);
    const other = rawConnection(path);
    for (let hours = 1; hours <= 2; hours++) {
      const ahead = runtime.wallMs() + hours * HOUR;
      other.prepare('UPDATE POD_HEALTH SET last_heartbeat_ts = ?').run(ahead);
      await runtime.advance(1_001);
      const step = newStep();
      await store.submit([step]);
      const [found] = await store.find([step.stepId]);
      expect(found!.createdAt).toBeGreaterThanOrEqual(ahead);
    }
  });
});

describe('opening a file', () => {
  const instant = { now: 5_000_000, wallMs: 5_000_000, hostMs: 0, boot: 'boot' };

  /** A clock that records its settings, and returns that a pod lives from the `second` setting on, or never. */
  function noting(second: () => boolean) {
    const seen: FileTimes[] = [];
    const set = (times: FileTimes): boolean => seen.push(times) > 1 && second();
    return { seen, clock: { set, instant: () => instant } as unknown as StoreClock };
  }

  it('starts no clock below the wall clock that the file has recorded', () => {
    const { core } = newCore();
    core.setClock(noting(() => false).clock);
    const { seen, clock } = noting(() => false);
    core.setClock(clock);
    expect(seen[0]!.newest).toBe(5_000_000);
  });

  it('leaves the wall clock to a pod that has joined meanwhile', () => {
    const { core, connection } = newCore();
    const { clock } = noting(() => true);
    core.setClock(clock);
    expect(connection.prepare('SELECT count(*) FROM WALL_CLOCK').pluck().get()).toBe(0);
  });
});

describe('after a pause without a living pod', () => {
  it('the wall clock counts again: steps that came due meanwhile are due', async () => {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const first = await newStore({ path }, runtime);
    await joined(first, A, 15_000);
    await first.submit([newStep({ delayMs: HOUR / 2 })]);
    await first.close(); // like a killed process, it has not left the fleet
    await runtime.advance(HOUR);
    const second = await newStore({ path }, runtime);
    await joined(second, B, 15_000);
    expect(await claimed(second, {}, B)).toHaveLength(1);
    expect(await second.evict([A])).toEqual([A]);
  });

  it('a wall clock that was set back does not set the store’s clock back', async () => {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const first = await newStore({ path }, runtime);
    const before = newStep();
    await first.submit([before]);
    await first.close();
    runtime.shiftWall(-HOUR);
    const second = await newStore({ path }, runtime);
    const after = newStep();
    await second.submit([after]);
    const steps = await second.find([before.stepId, after.stepId]);
    const at = (id: string): number => steps.find(({ stepId }) => stepId === id)!.createdAt;
    expect(at(after.stepId)).toBeGreaterThanOrEqual(at(before.stepId));
  });
});
