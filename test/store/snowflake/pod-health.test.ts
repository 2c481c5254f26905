/** POD_HEALTH, the view with the columns of the Python FLEET-Q: one row for each pod. */
import { describe, expect, test } from 'vitest';
import type { PodRef, Store } from '../../../src/store/contract.js';
import { fresh } from '../../conformance/harness.js';
import type { Driver, Row } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const HOUR = 3_600_000;
const ONLY_HEALTH = `SELECT pod_id, status, meta, incarnation, DATEDIFF(millisecond, birth_ts, SYSDATE()) AS age_ms,
  DATEDIFF(millisecond, last_heartbeat_ts, SYSDATE()) AS silent_ms FROM POD_HEALTH ORDER BY pod_id`;

describeOnTestBed('POD_HEALTH', { timeout: 60_000 }, () => {
  const { open, byHand, pass } = useStores();

  const join = async (store: Store, podId: string, meta: object = {}): Promise<PodRef> => {
    const pod = { podId, incarnation: fresh('life') };
    await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 3 * HOUR, meta: { ...meta } });
    return pod;
  };
  const beat = (store: Store, pod: PodRef, meta: object = {}) =>
    store.heartbeat(pod, { eligible: true, asleep: false, meta: { ...meta } });
  const opened = async (): Promise<[Store, Driver]> => {
    return [await open(), await byHand()];
  };

  /** The rows by pod; instants as hours ago, to the nearest. */
  const health = async (driver: Driver): Promise<Record<string, Row>> => {
    const rows = await driver.run(ONLY_HEALTH);
    const hours = (ms: unknown) => Math.round((ms as number) / HOUR);
    const entries = rows.map(({ POD_ID, STATUS, META, INCARNATION, AGE_MS, SILENT_MS }) => [
      POD_ID as string,
      { status: STATUS, meta: META, incarnation: INCARNATION, born: hours(AGE_MS), heard: hours(SILENT_MS) },
    ]);
    expect(new Set(entries.map(([podId]) => podId)).size).toBe(rows.length);
    return Object.fromEntries(entries) as Record<string, Row>;
  };

  test('has the columns of the Python FLEET-Q, in their order, and one more', async () => {
    const [store, driver] = await opened();
    await join(store, 'ada');
    const [row] = await driver.run('SELECT * FROM POD_HEALTH');
    expect(Object.keys(row!)).toEqual(['POD_ID', 'BIRTH_TS', 'LAST_HEARTBEAT_TS', 'STATUS', 'META', 'INCARNATION']);
    expect(row!['BIRTH_TS']).toBeInstanceOf(Date);
    expect(row!['LAST_HEARTBEAT_TS']).toEqual(row!['BIRTH_TS']);
  });

  test('shows the birth, the last sign, the metadata and the state of several pods', async () => {
    const [store, driver] = await opened();
    const pods = { ada: await join(store, 'ada', { zone: 'a' }), grace: await join(store, 'grace', { zone: 'g' }) };
    const linus = await join(store, 'linus', { zone: 'l' });
    const { ada, grace } = pods;
    pass(2 * HOUR);
    await beat(store, ada, { zone: 'a', load: 0.5 });
    await beat(store, grace, { zone: 'g' });
    const late = await join(store, 'late');
    const up = { status: 'up', born: 2 };
    expect(await health(driver)).toEqual({
      ada: { ...up, heard: 0, meta: { zone: 'a', load: 0.5 }, incarnation: ada.incarnation },
      grace: { ...up, heard: 0, meta: { zone: 'g' }, incarnation: grace.incarnation },
      linus: { ...up, heard: 2, meta: { zone: 'l' }, incarnation: linus.incarnation },
      late: { ...up, born: 0, heard: 0, meta: {}, incarnation: late.incarnation },
    });

    await store.leave(grace);
    pass(2 * HOUR);
    await beat(store, ada, { zone: 'a' });
    expect(await store.evict([ada, linus])).toEqual([linus]);
    pass(HOUR);
    expect(await health(driver)).toMatchObject({
      ada: { status: 'up', born: 5, heard: 1, meta: { zone: 'a' } },
      grace: { status: 'down', born: 5, heard: 3, meta: { zone: 'g' } },
      // Its eviction was written by another: it is no sign of its own life.
      linus: { status: 'down', born: 5, heard: 5, meta: { zone: 'l' } },
      late: { status: 'up', born: 3, heard: 3, meta: {} },
    });
  });

  describe('shows the younger of two incarnations of a pod', () => {
    test('although the elder has the later sign', async () => {
      const [store, driver] = await opened();
      const elder = await join(store, 'ada', { life: 1 });
      pass(HOUR);
      const younger = await join(store, 'ada', { life: 2 });
      pass(HOUR);
      await beat(store, elder, { life: 1 });
      expect(await health(driver)).toEqual({
        ada: { status: 'up', born: 1, heard: 1, meta: { life: 2 }, incarnation: younger.incarnation },
      });
    });

    test('up although the elder has left, and down although the elder lives', async () => {
      const [store, driver] = await opened();
      const [ada, grace] = [await join(store, 'ada'), await join(store, 'grace')];
      pass(HOUR);
      const [again, soon] = [await join(store, 'ada'), await join(store, 'grace')];
      await store.leave(ada);
      await store.leave(soon);
      await beat(store, grace);
      expect(await health(driver)).toMatchObject({
        ada: { status: 'up', born: 0, incarnation: again.incarnation },
        grace: { status: 'down', born: 0, incarnation: soon.incarnation },
      });
    });
  });
});
