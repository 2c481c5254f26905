/** What a pod that claims nothing asks the store, so that it can fall asleep like any idle pod. */
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import type { QuietLook } from '../../../src/pool-interface.js';
import { gate, POD, Rig, running, type Handlers, type RigOptions } from '../support/rig.js';

const work = () => 'done';

/** A pool that was paused before it started, and what its exchanges reported. */
async function paused(handlers: Handlers = { work }, options: RigOptions = {}) {
  const looks: (QuietLook | undefined)[] = [];
  const rig = await running(handlers, { sleeps: true, ...options }, ({ pool, store }) => {
    pool.pause();
    pool.onQuiet((look) => looks.push(look));
    store.addMany(3, 'work');
  });
  return { rig, looks };
}

describe('a paused pod whose store lets idle pods sleep', () => {
  test('looks without asking for anything, as rarely as an idle pod, and reports quiet although steps are due', async () => {
    const { rig, looks } = await paused();
    const times: number[] = [];
    rig.store.before = () => void times.push(rig.runtime.monotonicMs());
    await rig.runtime.advance(4_000);
    expect(times).toEqual([100, 300, 700, 1_500, 2_500, 3_500]);
    for (const { claim, settlements, readBack } of rig.store.requests) {
      expect([settlements, readBack]).toEqual([[], undefined]);
      expect(claim).toMatchObject({ free: 0, prefetch: 0, quarantine: 0, types: new Map() });
    }
    expect(looks).toHaveLength(7);
    for (const look of looks) expect(look).toMatchObject({ census: '3', nextDueInMs: null });
    expect(rig.store.count('pending')).toBe(3);
  });

  test('is not quiet while a step is claimed anywhere', async () => {
    const { rig, looks } = await paused();
    Object.assign(rig.store.row('work-00001'), { status: 'claimed', incarnation: 'another', claimToken: 'its' });
    looks.splice(0);
    await rig.runtime.advance(2_000);
    expect(looks.length).toBeGreaterThan(1);
    expect(looks.filter((look) => look !== undefined)).toEqual([]);
  });

  test('falls asleep if it is asked to, and claims at once when it is resumed and admitted', async () => {
    const { rig } = await paused();
    expect(rig.pool.sleep()).toBe(true);
    const asked = rig.store.requests.length;
    await rig.runtime.advance(60_000);
    expect(rig.store.requests.length).toBe(asked);
    let woken = 0;
    rig.pool.onWork(() => woken++);
    rig.pool.resume();
    await rig.runtime.settle();
    expect(woken).toBe(1);
    expect(rig.store.requests.length).toBe(asked); // it may not claim before a heartbeat is answered
    rig.pool.admit(POD);
    await rig.runtime.settle();
    expect(rig.store.count('completed')).toBe(3);
  });

  test('claims at once when it is resumed while a look is on its way', async () => {
    const { rig } = await paused();
    rig.store.latencyMs = 50;
    await rig.runtime.advance(120); // a look is on its way
    rig.pool.resume();
    await rig.runtime.advance(85); // the end of that look, and the claim
    expect(rig.store.count('claimed') + rig.store.count('completed')).toBe(3);
  });

  test('does not look while its handlers run, and looks after their outcomes are settled', async () => {
    const open = gate();
    const rig = await running({ work: () => open.promise }, { sleeps: true }, ({ store }) => store.add('s1', 'work'));
    rig.pool.pause();
    await rig.runtime.advance(100);
    const asked = rig.store.requests.length;
    await rig.runtime.advance(10_000);
    expect(rig.store.requests.length).toBe(asked);
    open.open();
    await rig.runtime.settle();
    const [settles, ...looks] = rig.store.requests.slice(asked);
    expect(settles).toMatchObject({ settlements: [{ stepId: 's1' }] });
    expect(settles?.claim).toBeUndefined();
    expect(looks.map(({ claim }) => claim?.free)).toEqual([0]);
  });

  test('gives back what a look brings that was handed out under an older request', async () => {
    const { rig } = await paused();
    const { exchange } = rig.store;
    rig.store.exchange = async (request) => {
      const reply = await exchange(request);
      rig.store.exchange = exchange;
      const claim = { token: 'older', free: 1, prefetch: 0, quarantine: 0, types: new Map([['work', 1]]) } as const;
      return { ...reply, claims: (await exchange({ pod: POD, settlements: [], claim })).claims };
    };
    await rig.runtime.advance(1_000);
    expect(rig.store.count('pending')).toBe(3);
    expect(rig.events('step:released')).toMatchObject([{ reason: 'stopping' }]);
    expect(rig.events('step:started')).toEqual([]);
  });

  test('reads nothing back after a look that failed, and may sleep', async () => {
    const { rig } = await paused();
    rig.store.after = () => {
      throw new StoreError('STORE_UNAVAILABLE', 'down', true);
    };
    await rig.runtime.advance(5_000);
    expect(rig.store.requests.filter(({ readBack }) => readBack !== undefined)).toEqual([]);
    rig.store.after = () => undefined;
    await rig.runtime.advance(4_000);
    expect(rig.pool.sleep()).toBe(true);
  });

  test('does not spin if it was paused while it emptied itself for a suspect', async () => {
    const open = gate();
    const rig = await running({ work: () => open.promise }, { sleeps: true }, ({ store }) => {
      store.add('long', 'work');
      store.add('suspect', 'work', { crashes: 2 });
    });
    rig.pool.pause();
    open.open();
    await rig.runtime.settle();
    const asked = rig.store.requests.length;
    await rig.runtime.advance(10_000);
    expect(rig.store.requests.length - asked).toBeLessThan(20);
    expect(rig.store.requests.at(-1)?.claim?.free).toBe(0);
  });
});

test('a pod without handlers looks, too', async () => {
  const rig = await running({}, { sleeps: true }, ({ store }) => void store.addMany(2, 'work'));
  await rig.runtime.advance(4_000);
  expect(rig.store.requests.length).toBe(7);
  expect(rig.store.requests.every(({ claim }) => claim?.free === 0 && claim.types.size === 0)).toBe(true);
});

test.each([
  ['a paused pod', { work }, true],
  ['a pod without handlers', {}, false],
])('%s asks nothing of a store whose pods do not sleep', async (_, handlers, pauses) => {
  const rig = new Rig(handlers);
  if (pauses) rig.pool.pause();
  rig.store.addMany(2, 'work');
  await rig.start();
  await rig.runtime.advance(60_000);
  expect(rig.store.requests).toEqual([]);
  await rig.stop();
});
