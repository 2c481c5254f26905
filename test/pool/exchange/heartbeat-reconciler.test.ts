/** What a pool does with the replies of heartbeats. */
import { expect, test } from 'vitest';
import { sleep } from '../../../src/runtime/runtime.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { POD, running } from '../support/rig.js';

const obedient = (_: unknown, { signal }: StepContext) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

test('an ended claim that awaits its receipt is known, however often heartbeats show it', async () => {
  const rig = await running({ quick: () => 1 });
  rig.store.add('s1', 'quick');
  rig.store.before = ({ settlements }) => {
    if (settlements.length > 0) throw new Error('down');
  };
  rig.pool.wake();
  await rig.runtime.settle();
  for (let i = 0; i < 3; i++) {
    rig.pool.reconcile(rig.pool.snapshot(), rig.store.held(POD));
    await rig.runtime.advance(2_000);
  }
  rig.store.before = () => undefined;
  await rig.runtime.advance(5_000);
  expect(rig.store.row('s1').status).toBe('completed');
  expect(rig.store.requests.at(-1)!.settlements.length).toBeLessThanOrEqual(1);
  const settled = rig.store.requests.flatMap(({ settlements }) => settlements);
  expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(['completed']));
});

test('a claim that came after the heartbeat was sent is not judged by its reply', async () => {
  const rig = await running({ slow: obedient });
  const snapshot = rig.pool.snapshot();
  rig.store.add('s1', 'slow');
  rig.pool.wake();
  await rig.runtime.settle();
  rig.pool.reconcile(snapshot, []); // in the same millisecond
  await rig.runtime.settle();
  expect(rig.emitted.map(({ name }) => name)).toEqual(['step:claimed', 'step:started']);
});

test('an old cancellation stays old, however long the query takes', async () => {
  const rig = await running({ slow: obedient }, { staleReadMs: 10_000 }, ({ store }) => {
    store.latencyMs = 500;
    store.add('s1', 'slow');
  });
  await rig.runtime.advance(600);
  rig.store.cancelled = async () => {
    await sleep(rig.runtime, 900);
    return [{ stepId: 's1', agoMs: 200 }]; // as of the question: before the claim came
  };
  rig.pool.reconcile(rig.pool.snapshot(), []);
  await rig.runtime.advance(1_000);
  expect(rig.events('step:cancelled')).toEqual([]);
  expect(rig.pool.load.running).toBe(1);
});

test('a claim that is given back because the pod does not know it is not taken if a look shows it still', async () => {
  const rig = await running({ quick: () => 1 });
  rig.store.add('s1', 'quick');
  const request = { token: 'lost', free: 1, prefetch: 0, quarantine: 0, types: new Map([['quick', 1]]) } as const;
  const { claims } = await rig.store.exchange({ pod: POD, settlements: [], claim: request });
  expect(claims).toHaveLength(1);
  const exchange = rig.store.exchange.bind(rig.store);
  rig.store.exchange = async (sent) => {
    const reply = await exchange(sent);
    const givesBack = sent.settlements.some(({ claimToken }) => claimToken === 'lost');
    return givesBack ? { ...reply, claims: [...claims, ...reply.claims] } : reply;
  };
  for (let i = 0; i < 2; i++) {
    rig.pool.reconcile(rig.pool.snapshot(), rig.store.held(POD));
    await rig.runtime.advance(2_000);
  }
  await rig.runtime.advance(2_000);
  expect(rig.store.row('s1').status).toBe('completed');
  expect(rig.events('step:started')).toHaveLength(1);
  expect(rig.events('step:lost')).toEqual([]);
});
