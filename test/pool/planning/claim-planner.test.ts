/** When the pool asks for claims, and for how many. */
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import type { Settings } from '../../../src/options.js';
import { ClaimPlanner } from '../../../src/pool/planning/claim-planner.js';
import { Handlers } from '../../../src/pool/handlers/handlers.js';
import type { HeldClaims } from '../../../src/pool/claims/held-claims.js';
import { SuspectIsolation } from '../../../src/pool/suspects/suspect-isolation.js';
import { PoolsOfProcess } from '../../../src/pool/suspects/pools-of-process.js';
import { CompletionRate } from '../../../src/pool/execution/completion-rate.js';
import { sleep } from '../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { StepRegistry } from '../../../src/step/step-registry.js';
import { running } from '../support/rig.js';

const never = () => new Promise(() => undefined);

describe('the next poll', () => {
  test('comes at once after a full reply, even if the store does not know what else is due', async () => {
    const rig = await running({ slow: never }, { maxParallelism: 30, drainTimeoutMs: 0 }, ({ store }) => {
      store.pace = { waitMs: 0, batch: 10 };
      const { exchange } = store;
      store.exchange = async (request) => ({ ...(await exchange(request)), nextDueInMs: null });
    });
    rig.store.addMany(30, 'slow');
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.pool.load.running).toBe(30); // and no time has passed
  });

  test('comes at once after a read-back shows that a request never arrived', async () => {
    const rig = await running({ quick: () => 1 }, {}, ({ store }) => {
      store.before = () => {
        store.before = () => undefined;
        throw new StoreError('STORE_UNAVAILABLE', 'down', true);
      };
    });
    const times: [asks: string, at: number][] = [];
    rig.store.before = ({ claim }) => void times.push([claim ? 'claim' : 'read back', rig.runtime.monotonicMs()]);
    await rig.runtime.advance(80);
    const [, at] = times[0]!;
    expect(times).toEqual([
      ['read back', at],
      ['claim', at],
    ]);
  });

  test('follows short pauses again after a step was found', async () => {
    const rig = await running({ quick: () => 1 }, { claimIntervalMs: 100, idleIntervalMs: 1_000 });
    await rig.runtime.advance(1_600);
    rig.store.add('s1', 'quick');
    const times: number[] = [];
    rig.store.before = ({ settlements }) => {
      if (settlements.length === 0) times.push(rig.runtime.monotonicMs());
    };
    await rig.runtime.advance(1_500);
    expect(times).toEqual([2_500, 2_700, 3_100]); // the first one finds it
  });
});

test('without prefetch, asks for no more claims of a limited type than it has room for', async () => {
  const rig = await running(
    { work: { concurrency: 1, run: () => sleep(rig.runtime, 10) } },
    { maxParallelism: 4, maxPrefetch: 0 },
    ({ store }) => {
      store.latencyMs = 100;
      store.addMany(50, 'work');
    },
  );
  await rig.runtime.advance(3_000);
  expect(rig.store.count('completed')).toBeGreaterThan(10);
  const limits = rig.store.requests.flatMap(({ claim }) => (claim === undefined ? [] : [claim.types.get('work')]));
  expect(new Set(limits)).toEqual(new Set([1]));
});

test('after claims were given back, two exchanges prefetch nothing', () => {
  const runtime = new VirtualRuntime();
  const settings = {
    slots: 1,
    maxPrefetch: 100,
    claimIntervalMs: 100,
    idleIntervalMs: 1_000,
  } satisfies Partial<Settings>;
  const registry = new StepRegistry();
  registry.add({ type: 'quick', run: () => 1 });
  const handlers = new Handlers(registry, undefined);
  handlers.load();
  const idle = { quiet: () => true, hasStrays: () => false, claimsAlone: () => false };
  const isolation = new SuspectIsolation(() => 0.5, new PoolsOfProcess(runtime, idle));
  const running = { busy: 1, strays: 0 };
  const claims = { running, ready: { size: 0, startable: 0 }, empty: false } as unknown as HeldClaims;
  const rate = new CompletionRate(1);
  rate.perMs = () => 1;
  const pace = { intervalMs: 10, roundTripMs: 10, idleMs: 0, batch: 250 };
  const planner = new ClaimPlanner({ settings, handlers, claims, rate, pace, isolation, sleeps: false });
  const result = { claims: [], nextDueInMs: null, looked: true, asked: 1 };
  const ahead = (): number => planner.plan(0)?.prefetch ?? 0;
  expect(ahead()).toBe(20);
  planner.gaveBack();
  const asked = [ahead()];
  for (let i = 0; i < 2; i++) {
    planner.received(0, result);
    asked.push(ahead());
  }
  expect(asked).toEqual([0, 0, 20]);
});
