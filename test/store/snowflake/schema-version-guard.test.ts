/** A process with open tables notices that a newer version has migrated them past what it may write. */
import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/contract.js';
import { SCHEMA_VERSION } from '../../../src/store/snowflake/schema.js';
import { SchemaVersionGuard, VALID_MS } from '../../../src/store/snowflake/schema-version-guard.js';
import { claimRequest, newStep, settlement } from '../../conformance/harness.js';
import { shiftedRuntime } from '../../support/shifted-runtime.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimed, joined, useStores } from './support/stores.js';

const NEWER = { code: 'STORE_SCHEMA_NEWER', transient: false };

describe('before a change, the version of the tables', () => {
  interface Asked {
    answer(oldestAllowed: number): void;
    fail(): void;
  }

  /** A guard, and what it has asked the server. */
  function guarded(staleReadMs = 0) {
    const runtime = shiftedRuntime();
    const asked: Asked[] = [];
    const run = () =>
      new Promise<{ OLDEST: number }[]>((resolve, reject) => {
        asked.push({
          answer: (oldestAllowed) => resolve([{ OLDEST: oldestAllowed }]),
          fail: () => reject(new Error('it failed')),
        });
      });
    const parts = { runtime, session: { run }, statement: 'S', version: 2, place: '"D"."S"', staleReadMs };
    const guard = new SchemaVersionGuard(parts);
    return { guard, runtime, asked };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('is read once for all calls that come together, and again after a minute', async () => {
    const { guard, runtime, asked } = guarded();
    const together = [guard.check(), guard.check(), guard.check()];
    asked[0]!.answer(2);
    await Promise.all(together);
    runtime.pass(VALID_MS / 2);
    await guard.check();
    expect(asked).toHaveLength(1);
    runtime.pass(VALID_MS / 2 + 1);
    const later = guard.check();
    expect(asked).toHaveLength(2);
    asked[1]!.answer(3);
    await expect(later).rejects.toMatchObject({ ...NEWER, message: expect.stringContaining('"D"."S"') as string });
    await expect(guard.check()).rejects.toMatchObject(NEWER);
    expect(asked).toHaveLength(2);
  });

  test('is as old as the question, however late the answer comes', async () => {
    const { guard, runtime, asked } = guarded();
    const first = guard.check();
    runtime.pass(VALID_MS + 1);
    const second = guard.check();
    asked[0]!.answer(2);
    await first;
    await turn();
    expect(asked).toHaveLength(2);
    asked[1]!.answer(3);
    await expect(second).rejects.toMatchObject(NEWER);
  });

  test('is not read if a heartbeat has brought it; of two answers, the later question counts', async () => {
    const { guard, runtime, asked } = guarded();
    const earlier = guard.asking();
    runtime.pass(10);
    guard.asking()(3);
    earlier(2);
    await expect(guard.check()).rejects.toMatchObject(NEWER);
    runtime.pass(VALID_MS);
    guard.asking()(2);
    await guard.check();
    expect(asked).toHaveLength(0);
  });

  test('does not fall after an answer that may have been read late', async () => {
    const { guard, runtime } = guarded(10_000);
    guard.asking()(3);
    runtime.pass(9_000);
    guard.asking()(2);
    await expect(guard.check()).rejects.toMatchObject(NEWER);
    runtime.pass(2_000);
    guard.asking()(2);
    await guard.check();
  });

  test('is read again earlier by as much as reads may be late', async () => {
    const { guard, runtime, asked } = guarded(10_000);
    guard.asking()(2);
    runtime.pass(VALID_MS - 11_000);
    await guard.check();
    runtime.pass(2_000);
    const late = guard.check();
    expect(asked).toHaveLength(1);
    asked[0]!.answer(2);
    await late;
  });

  test('is read again by the next call if the read failed', async () => {
    const { guard, asked } = guarded();
    const together = [guard.check(), guard.check()];
    asked[0]!.fail();
    const failed = { status: 'rejected', reason: expect.objectContaining({ message: 'it failed' }) as Error };
    expect(await Promise.allSettled(together)).toEqual([failed, failed]);
    const next = guard.check();
    asked[1]!.answer(2);
    await next;
  });
});

describeOnTestBed('once a newer version has migrated the tables', { timeout: 60_000 }, () => {
  const { bed, open, byHand } = useStores();

  const READING = 'SELECT MAX(version)';
  /** How often the version was asked for since the last reset. */
  const readings = () => bed().meter.report(({ text }) => text.startsWith(READING)).statements;
  const migrate = (driver: Driver, oldestAllowed: number) =>
    driver.run(`INSERT INTO SCHEMA_INFO (version, oldest_allowed, at_ts) SELECT 99, ${oldestAllowed}, SYSDATE()`);
  const beat = (store: Store, pod: Parameters<Store['heartbeat']>[0]) =>
    store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });

  test('a process without heartbeats changes nothing more within a minute, and still settles what runs', async () => {
    const runtime = shiftedRuntime();
    const [store, driver] = [await open({}, undefined, runtime), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep({ stepId: 'a', priority: 1 }), newStep({ stepId: 'b' })]);
    const [claim] = await claimed(store, pod, { free: 1 });
    await migrate(driver, SCHEMA_VERSION + 1);
    runtime.pass(VALID_MS);
    bed().meter.reset();
    const at = { stepId: 'b', version: 0 };
    const byHandWrites = [
      store.submit([newStep()]),
      store.cancel('token', [at]),
      store.retry([at]),
      store.prune({ keepMs: 0 }),
      store.register({ podId: 'c', incarnation: 'c', heartbeatMs: 1_000, deadAfterMs: 10_000, meta: {} }),
    ];
    for (const refused of await Promise.allSettled(byHandWrites)) expect(refused).toMatchObject({ reason: NEWER });
    expect(bed().meter.report(({ kind }) => kind !== 'session').statements).toBe(1);
    const request = { pod, settlements: [settlement(claim!)], claim: claimRequest() };
    expect(await store.exchange(request)).toMatchObject({ receipts: ['settled'], claims: [] });
    expect((await store.stats()).byStatus).toMatchObject({ pending: 1, completed: 1 });
    await store.leave(pod);
    expect(await store.fleet()).toEqual([]);
    expect(readings()).toBe(1);

    await driver.run('DELETE FROM SCHEMA_INFO WHERE version = 99');
    runtime.pass(VALID_MS + 1);
    expect(await store.cancel('token', [at])).toEqual(['cancelled']);
  });

  test('a pod learns it from its heartbeat, and sends no statement for it', async () => {
    const runtime = shiftedRuntime();
    const [store, driver] = [await open({}, undefined, runtime), await byHand()];
    const pod = await joined(store);
    bed().meter.reset();
    for (let i = 0; i < 4; i++) {
      runtime.pass(VALID_MS / 2);
      expect(await beat(store, pod)).toMatchObject({ outdated: false });
      expect(await store.submit([newStep()])).toEqual(['created']);
    }
    await migrate(driver, SCHEMA_VERSION + 1);
    expect(await beat(store, pod)).toMatchObject({ outdated: true });
    await expect(store.submit([newStep()])).rejects.toMatchObject(NEWER);
    expect(await claimed(store, pod)).toEqual([]);
    expect(readings()).toBe(0);
    expect((await store.stats()).byStatus).toMatchObject({ pending: 4, claimed: 0 });
  });

  test('what runs is settled, also if the tables were opened again meanwhile', async () => {
    const runtime = shiftedRuntime();
    const [store, driver] = [await open({}, undefined, runtime), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep({ stepId: 'a' })]);
    const [claim] = await claimed(store, pod);
    await migrate(driver, SCHEMA_VERSION + 1);
    await driver.run('ALTER TABLE STEP_TRACKER RENAME COLUMN crashes TO other');
    await expect(store.stats()).rejects.toMatchObject({ code: 'STORE_ALTERED' });
    await driver.run('ALTER TABLE STEP_TRACKER RENAME COLUMN other TO crashes');
    expect(await store.settle(pod, [settlement(claim!)])).toEqual(['settled']);
    await expect(store.submit([newStep()])).rejects.toMatchObject(NEWER);
  });

  test('a version that may still write them goes on', async () => {
    const runtime = shiftedRuntime();
    const [store, driver] = [await open({}, undefined, runtime), await byHand()];
    await migrate(driver, SCHEMA_VERSION);
    runtime.pass(VALID_MS + 1);
    bed().meter.reset();
    const submitted = await Promise.all([1, 2, 3].map(() => store.submit([newStep()])));
    expect(submitted).toEqual([['created'], ['created'], ['created']]);
    expect(readings()).toBe(1);
  });
});
