/** Duplicate rows of one step, read late: no two pods hold the step at once, and in the end one row stays. */
import { expect, test } from 'vitest';
import { ids, newStep, settlement } from '../../conformance/harness.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals } from '../../support/warehouse/wire-replies.js';
import { lateOn } from './support/late-reads.js';
import { claimed, joined, useStores } from './support/stores.js';

const MINUTE = 60_000;
const BEAT = { eligible: true, asleep: false, meta: {} };

describeOnTestBed('duplicate rows of a step', { timeout: 60_000 }, () => {
  const { bed, open, byHand, pass } = useStores();

  const put = (driver: Driver, row: string, status = 'pending', version = 0) =>
    driver.run(
      `INSERT INTO STEP_TRACKER (step_id, row_id, step_type, status, version) SELECT 'double', '${row}', 'work', '${status}', ${version}`,
    );
  const rows = async (driver: Driver) =>
    (await driver.run('SELECT row_id AS r, status AS s FROM STEP_TRACKER ORDER BY row_id')).map(
      ({ R, S }) => `${R} ${S}`,
    );

  test('are never held by two pods, although each saw only the row that it claimed', async () => {
    const [a, b, driver] = [await open(), await open(), await byHand()];
    const [podA, podB] = [await joined(a), await joined(b)];
    await put(driver, 'b');
    const late = lateOn(bed());
    const before = late.now();
    pass(MINUTE);
    late.asOf(before);
    await put(driver, 'a'); // A does not see it
    const between = late.now();
    pass(MINUTE);
    expect(await claimed(a, podA)).toEqual([]);
    late.asOf(between + MINUTE / 2); // B sees both, and not that A took one
    expect(await claimed(b, podB)).toEqual([]);
    late.off();
    expect(await rows(driver)).toEqual(['a claimed', 'b claimed']); // void both
    await a.exchange({ pod: podA, settlements: [] });
    await b.exchange({ pod: podB, settlements: [] });
    const [held] = await claimed(a, podA);
    expect(await claimed(b, podB)).toEqual([]);
    expect((await a.exchange({ pod: podA, settlements: [settlement(held!)] })).receipts).toEqual(['settled']);
    expect(await rows(driver)).toEqual(['a completed', 'b pending']);
    expect(await claimed(b, podB)).toEqual([]);
  });

  test('make the claim of the first row void while the other row is held, although no read showed it', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await put(driver, 'a');
    await put(driver, 'b');
    const late = lateOn(bed());
    const before = late.now();
    pass(MINUTE);
    late.asOf(before);
    await driver.run(`UPDATE STEP_TRACKER SET status = 'claimed', claim_token = 'x', version = 1 WHERE row_id = 'b'`);
    expect(await claimed(store, pod)).toEqual([]);
    late.off();
    expect(await rows(driver)).toEqual(['a claimed', 'b claimed']);
    await store.exchange({ pod, settlements: [] });
    expect(await rows(driver)).toEqual(['a pending', 'b claimed']);
  });

  test('are refreshed when a pod reads a claim back on a new connection', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await put(driver, 'a');
    await put(driver, 'b');
    const late = lateOn(bed());
    late.by(0);
    expect(await claimed(store, pod, { token: 'k' })).toHaveLength(1);
    const between = late.now();
    pass(MINUTE);
    await driver.run(`UPDATE STEP_TRACKER SET status = 'claimed', claim_token = 'x', version = 1 WHERE row_id = 'b'`);
    late.newSessions();
    late.asOf(between + MINUTE / 2);
    expect((await store.exchange({ pod, settlements: [], readBack: 'k' })).claims).toEqual([]);
  });

  test('make a claim of a row that is not the first void for heartbeats; the second one gives it back', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await put(driver, 'b');
    const [claim] = await claimed(store, pod);
    const { stepId, claimToken, version } = claim!;
    expect((await store.heartbeat(pod, BEAT)).claims).toEqual([{ stepId, claimToken, version }]);
    await put(driver, 'a');
    expect((await store.heartbeat(pod, BEAT)).claims).toEqual([]);
    expect(await rows(driver)).toEqual(['a pending', 'b claimed']); // its holder may be about to settle it
    expect((await store.heartbeat(pod, BEAT)).claims).toEqual([]);
    await expect.poll(() => rows(driver)).toEqual(['a pending', 'b pending']);
    expect(ids(await claimed(store, pod))).toEqual(['double']);
  });

  test('send a void claim back with the first exchange that goes through', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await put(driver, 'b');
    await claimed(store, pod, { token: 'k' });
    await put(driver, 'a');
    expect((await store.exchange({ pod, settlements: [], readBack: 'k' })).claims).toEqual([]);
    bed().proxy.faults.inject({ kind: 'refused', refusal: refusals.cancelled() }, { kinds: ['update'] });
    await expect(store.exchange({ pod, settlements: [] })).rejects.toThrow();
    expect(await rows(driver)).toEqual(['a pending', 'b claimed']);
    await store.exchange({ pod, settlements: [] });
    expect(await rows(driver)).toEqual(['a pending', 'b pending']);
  });

  test('keep one row, although two leaders each see the other row held', async () => {
    const [a, b, driver] = [await open(), await open(), await byHand()];
    await put(driver, 'a', 'claimed', 1);
    await put(driver, 'b', 'claimed', 1);
    await driver.run(`UPDATE STEP_TRACKER SET claim_token = 'k'`);
    const late = lateOn(bed());
    pass(20 * MINUTE);
    // Both are given back. One leader sees that of the one row, and the other that of the other.
    const back = (row: string) =>
      driver.run(
        `UPDATE STEP_TRACKER SET status = 'pending', version = 2, claim_token = NULL, last_update_ts = SYSDATE() WHERE row_id = '${row}'`,
      );
    late.by(5_000);
    await back('a');
    const between = late.now();
    pass(MINUTE);
    await back('b');
    late.asOf(between + MINUTE / 2);
    await a.prune({ keepMs: 60 * MINUTE });
    expect(await rows(driver)).toEqual(['a pending', 'b pending']);
    late.off();
    await b.prune({ keepMs: 60 * MINUTE });
    expect(await rows(driver)).toHaveLength(2);
  });

  test('lose at once the row that was never claimed, beside one that is', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep({ stepId: 'double' })]);
    await claimed(store, pod);
    await put(driver, 'z');
    await store.prune({ keepMs: 60 * MINUTE });
    expect(await rows(driver)).toEqual([expect.stringMatching(/^0.* claimed$/)]);
  });
});
