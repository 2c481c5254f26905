import { describe, expect, test } from 'vitest';
import type { ExchangeRequest } from '../../../src/store/contract.js';
import { gate, Rig, running } from '../support/rig.js';

const never = () => new Promise(() => undefined);

/** A store that gives all that is due of these types, whatever was asked: claims that must wait. */
function generous({ store }: Rig, limits: Record<string, number>): void {
  const { exchange } = store;
  const types = new Map(Object.entries(limits));
  store.exchange = (request: ExchangeRequest) =>
    exchange(request.claim ? { ...request, claim: { ...request.claim, free: 50, types } } : request);
}

const prefetches = (rig: Rig, from: number) =>
  rig.store.requests.slice(from).flatMap(({ claim }) => (claim === undefined ? [] : [claim.prefetch]));

describe('pause', () => {
  test('stops claiming, lets what runs go on, and gives back what has not started', async () => {
    const door = gate();
    const rig = await running({ slow: () => door.promise }, { maxParallelism: 2 }, (rig) => {
      rig.store.addMany(5, 'slow');
      generous(rig, { slow: 5 });
    });
    expect(rig.pool.load).toMatchObject({ running: 2, unstarted: 3, unsettled: 0 });
    rig.pool.pause();
    await rig.runtime.settle();
    expect(rig.pool.load).toMatchObject({ running: 2, unstarted: 0, unsettled: 0, paused: true });
    expect(rig.events('step:released').map(({ reason, delayMs }) => [reason, delayMs] as unknown)).toEqual(
      Array.from({ length: 3 }, () => ['stopping', 0]),
    );
    expect(rig.store.count('pending')).toBe(3);
    door.open();
    await rig.runtime.advance(10_000);
    expect(rig.store.count('completed')).toBe(2);
    expect(rig.store.count('pending')).toBe(3);
    rig.pool.resume();
    await rig.runtime.settle();
    expect(rig.store.count('completed')).toBe(5);
  });

  test('gives back what an exchange in flight brings', async () => {
    const rig = await running({ slow: never });
    rig.store.latencyMs = 100;
    rig.store.add('s1', 'slow');
    rig.pool.wake();
    await rig.runtime.advance(50);
    rig.pool.pause();
    await rig.runtime.advance(1_000);
    expect(rig.store.row('s1').status).toBe('pending');
    expect(rig.events('step:started')).toEqual([]);
  });

  test('reads back an unanswered token, and gives back what it claimed', async () => {
    const rig = await running({ slow: never });
    rig.store.latencyMs = 100;
    rig.store.add('s1', 'slow');
    rig.store.after = () => {
      rig.store.after = () => undefined;
      throw new Error('reply lost');
    };
    rig.pool.wake();
    await rig.runtime.advance(50);
    rig.pool.pause();
    await rig.runtime.advance(1_000);
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
    expect(rig.events('step:started')).toEqual([]);
  });

  test('a pause before start claims nothing until resume', async () => {
    const rig = new Rig({ quick: () => 1 });
    rig.store.add('s1', 'quick');
    rig.pool.pause();
    await rig.start();
    await rig.runtime.advance(5_000);
    expect(rig.store.requests).toEqual([]);
    rig.pool.resume();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('completed');
    await rig.stop();
  });
});

describe('claims that cannot start', () => {
  test('are given back uncharged, and nothing is prefetched for two exchanges', async () => {
    const doors = Array.from({ length: 40 }, () => gate());
    let started = 0;
    const rig = await running({ slow: () => doors[started++]!.promise }, { maxParallelism: 2 }, (rig) => {
      rig.store.latencyMs = 200;
      rig.store.addMany(40, 'slow');
    });
    // Quick at first, so that some are held ahead; then slow.
    for (let i = 0; i < 8; i++) {
      doors[i]!.open();
      await rig.runtime.advance(100);
    }
    await rig.runtime.advance(500);
    expect(rig.pool.load.unstarted).toBeGreaterThan(0);
    const before = rig.store.requests.length;
    await rig.runtime.advance(3_000);
    expect(rig.pool.load).toMatchObject({ unstarted: 0, unsettled: 0 });
    const released = rig.events('step:released');
    expect(released.length).toBeGreaterThan(0);
    expect(new Set(released.map(({ reason }) => reason as string))).toEqual(new Set(['unstarted']));
    expect(rig.store.count('claimed')).toBe(2);
    expect([...rig.store.rows.values()].every(({ retryCount }) => retryCount === 0)).toBe(true);
    const gaveBack = rig.store.requests.findIndex(
      (r, i) => i >= before && r.settlements.some((s) => s.status === 'pending'),
    );
    expect(prefetches(rig, gaveBack).every((prefetch) => prefetch === 0)).toBe(true);
  });

  test('are kept for a second, however fast the store is', async () => {
    const door = gate();
    const rig = await running({ slow: () => door.promise }, { maxParallelism: 1 }, (rig) => {
      rig.store.addMany(2, 'slow');
      generous(rig, { slow: 2 });
    });
    await rig.runtime.advance(999);
    expect(rig.pool.load).toMatchObject({ unstarted: 1, unsettled: 0 });
    door.open();
    await rig.runtime.settle();
    expect(rig.store.count('completed')).toBe(2);
    expect(rig.events('step:released')).toEqual([]);
  });

  test('go back after a second, whatever else the pool did meanwhile', async () => {
    const rig = await running({ slow: never }, { maxParallelism: 1 }, (rig) => {
      rig.store.addMany(2, 'slow');
      generous(rig, { slow: 2 });
    });
    await rig.runtime.advance(500);
    rig.pool.wake();
    await rig.runtime.advance(499);
    expect(rig.pool.load).toMatchObject({ unstarted: 1, unsettled: 0 });
    await rig.runtime.advance(5);
    expect(rig.store.count('pending')).toBe(1);
  });

  test('go back if their type is not handled here', async () => {
    const rig = await running({ here: () => 1 }, {}, (rig) => {
      rig.store.add('s1', 'elsewhere');
      generous(rig, { elsewhere: 1 });
    });
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0, runAt: 5_000 });
  });
});
