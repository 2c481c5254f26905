import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { sqlite } from '../../src/sqlite.js';
import type { Store } from '../../src/store/contract.js';
import { log } from '../fleet/support/recorded-events.js';
import { LateWorld, type LateStore } from './late-store.js';

const LATE = 5_000;
const POD = { podId: 'pod', incarnation: 'life' };
const BEAT = { eligible: true, asleep: false, meta: {} };

let runtime: VirtualRuntime;
let inner: Store;
let here: LateStore;
let there: LateStore;
let lateMs: number;
beforeEach(async () => {
  lateMs = LATE;
  runtime = new VirtualRuntime();
  inner = sqlite({ path: ':memory:' }).create({ runtime, log }) as Store;
  await inner.open();
  const world = new LateWorld(runtime, { staleReadMs: 2 * LATE, nextMs: () => lateMs });
  [here, there] = [world.over(inner), world.over(inner)];
});
afterEach(() => inner.close());

const submit = (store: Store, stepId: string) =>
  store.submit([
    { stepId, type: 'work', payload: '{"type":"work"}', priority: 0, maxRetries: 3, delayMs: 0, runAt: null },
  ]);
const shows = async (store: Store, stepId = 's') => (await store.find([stepId]))[0]?.status;
const claimOne = async (store: Store) => {
  await store.register({ ...POD, heartbeatMs: 1_000, deadAfterMs: 60_000, meta: {} });
  const claim = { token: 'token', free: 1, prefetch: 0, quarantine: 0 as const, types: new Map([['work', 1]]) };
  return (await store.exchange({ pod: POD, settlements: [], claim })).claims;
};

test('shows its own commits at once and those of another process late', async () => {
  await submit(there, 's');
  expect([await shows(there), await shows(here)]).toEqual(['pending', undefined]);
  await runtime.advance(LATE);
  expect(await shows(here)).toBe('pending');
});

test('never shows less than it has shown, unless its session is replaced', async () => {
  await submit(there, 's');
  await runtime.advance(LATE);
  expect(await shows(here)).toBe('pending');
  lateMs = 2 * LATE;
  expect(await shows(here)).toBe('pending');
  here.reconnect('rest');
  expect(await shows(here)).toBeUndefined();
});

test('is never later than its bound', async () => {
  await submit(there, 's');
  lateMs = 3_600_000;
  await runtime.advance(2 * LATE);
  expect(await shows(here)).toBe('pending');
});

test('shows a claim late to the heartbeats and reads of the process that has it', async () => {
  await submit(here, 's');
  const [claim] = await claimOne(here);
  expect(await shows(here)).toBe('pending');
  expect((await here.heartbeat(POD, BEAT)).claims).toEqual([]);
  await runtime.advance(LATE);
  const { stepId, claimToken, version } = claim!;
  expect((await here.heartbeat(POD, BEAT)).claims).toEqual([{ stepId, claimToken, version }]);
  expect(await shows(here)).toBe('claimed');
});

test('applies a write to the current row, and a write that changes nothing hides nothing', async () => {
  await submit(here, 's');
  const version = (await here.find(['s']))[0]!.version;
  await claimOne(there);
  expect(await here.cancel('by hand', [{ stepId: 's', version }])).toEqual(['changed']);
  expect(await shows(here)).toBe('pending');
});

test('shows the signs of life of others late, and their silence as longer by as much', async () => {
  await there.register({ ...POD, heartbeatMs: 1_000, deadAfterMs: 60_000, meta: {} });
  expect(await here.fleet()).toEqual([]);
  await runtime.advance(20_000);
  await there.heartbeat(POD, BEAT);
  expect(await here.fleet()).toMatchObject([{ pod: POD, silentForMs: 20_000, ageMs: 20_000 }]);
  expect((await there.heartbeat(POD, BEAT)).pods).toMatchObject([{ pod: POD, silentForMs: 0, ageMs: 20_000 }]);
});

test('evicts pods that look silent to its session, and shows orphans late', async () => {
  await submit(there, 's');
  await claimOne(there);
  await runtime.advance(59_000);
  await there.heartbeat(POD, BEAT);
  await runtime.advance(2_000);
  expect(await here.evict([POD])).toEqual([POD]);
  expect(await here.orphans({ limit: 10 })).toMatchObject([{ stepId: 's', holder: POD }]);
  expect(await there.orphans({ limit: 10 })).toEqual([]);
  await runtime.advance(LATE);
  expect(await there.orphans({ limit: 10 })).toMatchObject([{ stepId: 's' }]);
});

test('has a pulse that is not late', async () => {
  const before = await here.pulse();
  await submit(there, 's');
  expect(await here.pulse()).not.toBe(before);
});
