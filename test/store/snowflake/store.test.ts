/** The Snowflake store beyond the contract: what it sends, and how it treats rows of others. */
import { expect, test } from 'vitest';
import type { Logger } from '../../../src/log.js';
import { newStep, newSteps, settlement, pendingAgain, fresh, ids } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import type { Claim } from '../../../src/store/contract.js';
import { Refusal, refusals } from '../../support/warehouse/wire-replies.js';
import { claimed, joined, useStores } from './support/stores.js';

const FAR = { timeout: 60_000 };

describeOnTestBed('a store', FAR, () => {
  const { bed, hold, open, pass } = useStores();

  test('sends two statements for an exchange, whatever the batch, and one if nothing is due', async () => {
    const store = await open();
    const pod = await joined(store);
    await store.exchange({ pod, settlements: [], readBack: 'none' }); // its session is there
    await store.submit(newSteps(300));
    for (const free of [300, 10]) {
      bed().meter.reset();
      const claims = await claimed(store, pod, { free, types: { work: free } });
      expect(bed().meter.report()).toMatchObject({ statements: 2, locking: 1, byKind: { update: 1, select: 1 } });
      bed().meter.reset();
      await store.exchange({ pod, settlements: claims.map((claim) => settlement(claim)) });
      expect(bed().meter.report()).toMatchObject({ statements: 2, byKind: { update: 1, select: 1 } });
      if (free === 300) await store.submit(newSteps(10));
    }
    expect(await claimed(store, pod)).toEqual([]);
    bed().meter.reset();
    expect(await claimed(store, pod)).toEqual([]);
    expect(bed().meter.report()).toMatchObject({ statements: 1, locking: 0 });
  });

  test('sends one INSERT for new steps and two statements for a heartbeat, and none of them locks', async () => {
    const store = await open();
    const pod = await joined(store);
    bed().meter.reset();
    await store.submit(newSteps(1_000));
    expect(bed().meter.report()).toMatchObject({ statements: 1, byKind: { insert: 1 }, locking: 0 });
    bed().meter.reset();
    await store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
    expect(bed().meter.report()).toMatchObject({ statements: 2, byKind: { insert: 1, select: 1 }, locking: 0 });
  });

  test('splits what exceeds a megabyte, and refuses a single value that does', async () => {
    const store = await open();
    const large = 'x'.repeat(400_000);
    const steps = Array.from({ length: 5 }, () => newStep({ args: large }));
    bed().meter.reset();
    expect(await store.submit(steps)).toEqual(steps.map(() => 'created'));
    expect(bed().meter.report().byKind.insert).toBe(3);
    const pod = await joined(store);
    const claims = await claimed(store, pod);
    expect(claims.map((claim) => claim.payload.length)).toEqual(steps.map((step) => step.payload.length));
    const settlements = claims.map((claim) => settlement(claim, { result: JSON.stringify(large) }));
    expect((await store.exchange({ pod, settlements })).receipts).toEqual(claims.map(() => 'settled'));
    expect(bed().meter.report().largestBindBytes).toBeLessThan(1_050_000);
    const tooLarge = newStep({ args: 'x'.repeat(1_000_000) });
    await expect(store.submit([tooLarge])).rejects.toMatchObject({ code: 'STORE_REFUSED', transient: false });
    expect(await store.find([tooLarge.stepId])).toEqual([]);
  });

  test('throws no error if too many statements wait for the lock', async () => {
    const store = await open();
    const pod = await joined(store);
    await store.submit(newSteps(1));
    for (const refusal of [refusals.tooManyWaiters('T', 20), refusals.lockTimeout('T')]) {
      bed().proxy.faults.inject({ kind: 'refused', refusal }, { kinds: ['update'], times: 2 });
      const claims = await claimed(store, pod);
      expect(claims).toHaveLength(1);
      await store.exchange({ pod, settlements: [pendingAgain(claims[0]!)] });
    }
  });

  test('sends its own settlements alone if the UPDATE that serves all pods is refused permanently', async () => {
    const store = await open();
    const pod = await joined(store);
    await store.submit(newSteps(2));
    const [one, two] = await claimed(store, pod);
    const settling = (claim: Claim) => store.exchange({ pod, settlements: [settlement(claim)] });
    const refusal = new Refusal('100132', '22003', 'Number out of representable range');
    bed().proxy.faults.inject({ kind: 'refused', refusal }, { text: /UPDATE[^]*EXCHANGE_REQUEST/ });
    expect((await settling(one!)).receipts).toEqual(['settled']);
    bed().proxy.faults.inject({ kind: 'refused', refusal }, { kinds: ['update'], times: 3 });
    await expect(settling(two!)).rejects.toMatchObject({ code: 'STORE_REFUSED', transient: false });
  });

  test('looks first when delayed steps fall due, so that not every pod waits for the lock', async () => {
    const stores = [await open(), await open()];
    const pods = await Promise.all(stores.map(joined));
    await stores[0]!.submit([newStep({ delayMs: 60_000 })]);
    for (const [i, store] of stores.entries()) expect(await claimed(store, pods[i]!)).toEqual([]);
    pass(61_000);
    bed().meter.reset();
    expect(await claimed(stores[0]!, pods[0]!)).toHaveLength(1);
    expect(bed().meter.report().byKind).toEqual({ select: 2, update: 1 });
    bed().meter.reset();
    expect(await claimed(stores[1]!, pods[1]!)).toEqual([]);
    expect(bed().meter.report().byKind).toEqual({ select: 1 });
  });

  test('uses three sessions, so that a waiting statement delays no other session', async () => {
    const store = await open();
    const pod = await joined(store);
    await store.submit(newSteps(1));
    const before = bed().proxy.sessions.all.length;
    const { locks } = bed().proxy;
    const release = await hold('STEP_TRACKER');
    const slow = claimed(store, pod);
    await expect.poll(() => locks.waiting()).toBe(1);
    await store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
    await store.find(['x']);
    expect(locks.waiting()).toBe(1);
    release();
    expect(await slow).toHaveLength(1);
    expect(bed().proxy.sessions.all.length - before).toBeLessThanOrEqual(2);
  });
});

describeOnTestBed('a row of others', FAR, () => {
  const { bed, open, byHand } = useStores();

  test('is claimed if it has only step_id and payload', async () => {
    const [store, driver] = [await open(), await byHand()];
    await driver.run(
      `INSERT INTO STEP_TRACKER (step_id, payload) SELECT 'by-hand', PARSE_JSON('{"type":"work","args":{"n":1}}')`,
    );
    const [claim] = await claimed(store, await joined(store));
    expect(claim).toMatchObject({ stepId: 'by-hand', type: 'work', maxRetries: 3, priority: 0 });
    expect(JSON.parse(claim!.payload)).toEqual({ type: 'work', args: { n: 1 } });
  });

  test('is skipped and reported if it is invalid, and fails nothing else', async () => {
    const warned: object[] = [];
    const quiet = () => {};
    const logger: Logger = { debug: quiet, info: quiet, error: quiet, warn: (fields) => void warned.push(fields) };
    const [store, driver] = [await open({}, logger), await byHand()];
    await driver.run(
      `INSERT INTO STEP_TRACKER (step_id, status) SELECT 'odd-1', 'confused' UNION ALL SELECT 'odd-2', 'pending'`,
    );
    await driver.run(
      `INSERT INTO EXCHANGE_REQUEST (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, limits, settlements, asked_ts)
       SELECT 'odd', '', '', -1, '', -7, 99, 5, PARSE_JSON('{"a":1}'), PARSE_JSON('"text"'), SYSDATE()`,
    );
    const step = newStep();
    await store.submit([step]);
    expect(ids(await claimed(store, await joined(store)))).toEqual([step.stepId]);
    expect((await store.stats()).byStatus).toMatchObject({ pending: 1, claimed: 1 });
    await store.prune({ keepMs: 3_600_000 });
    await store.prune({ keepMs: 3_600_000 });
    expect(warned).toEqual([expect.objectContaining({ invalidSteps: 2, invalidRequests: 1 })]);
  });

  test('is claimed if an old query has made it pending and left its token', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await store.submit(newSteps(2));
    const held = await claimed(store, pod);
    const failed = settlement(held[0]!, { status: 'failed', result: null, error: '{}' });
    await store.exchange({ pod, settlements: [failed, settlement(held[1]!)] });
    await driver.run(
      `UPDATE STEP_TRACKER SET status = 'pending', claimed_by = NULL, claim_token = 'old' WHERE status = 'completed'`,
    );
    await driver.run(`UPDATE STEP_TRACKER SET claim_token = 'older' WHERE status = 'failed'`);
    const [row] = await store.find([held[0]!.stepId]);
    expect(await store.retry([row!])).toEqual(['retried']);
    expect(ids(await claimed(store, pod)).sort()).toEqual(ids(held).sort());
  });

  test('of an unknown status cannot be cancelled, and says so at once', async () => {
    const [store, driver] = [await open(), await byHand()];
    await driver.run(`INSERT INTO STEP_TRACKER (step_id, step_type, status) SELECT 'odd', 'work', 'running'`);
    expect(await store.cancel(fresh('cancel'), [{ stepId: 'odd', version: 0 }])).toEqual(['alreadyTerminal']);
  });

  test('beside a step that is retried does not hide that it was', async () => {
    const [store, driver] = [await open(), await byHand()];
    await driver.run(
      `INSERT INTO STEP_TRACKER (step_id, row_id, step_type, status, version)
       SELECT 'double', 'b', 'work', 'failed', 2 UNION ALL SELECT 'double', 'a', 'work', 'pending', 0`,
    );
    expect(await store.retry([{ stepId: 'double', version: 2 }])).toEqual(['retried']);
    expect(await store.retry([{ stepId: 'double', version: 5 }])).toEqual(['changed']); // no row is at that version
  });

  test('in a table without a column makes opening say what is missing', async () => {
    const [store, driver] = [await open(), await byHand()];
    await driver.run('ALTER TABLE STEP_TRACKER DROP COLUMN crashes');
    await expect(claimed(store, await joined(store))).rejects.toMatchObject({ code: 'STORE_ALTERED' });
  });

  test('that exists twice is one step: the first row is claimed, the other is void or deleted', async () => {
    const [store, driver] = [await open(), await byHand()];
    bed().proxy.faults.inject({ kind: 'rerun' }, { kinds: ['insert'], text: /STEP_TRACKER/ });
    const step = newStep();
    await store.submit([step]);
    const rows = async () => (await driver.run(`SELECT COUNT(*) AS n FROM STEP_TRACKER`))[0]!['N'] as number;
    expect(await rows()).toBe(2);
    const [pod, other] = [await joined(store), await joined(store)];
    const claims = await claimed(store, pod);
    expect(ids(claims)).toEqual([step.stepId]);
    expect(await claimed(store, other)).toEqual([]);
    expect((await store.stats()).byStatus).toMatchObject({ pending: 0, claimed: 1 });
    expect((await store.exchange({ pod, settlements: [settlement(claims[0]!)] })).receipts).toEqual(['settled']);
    expect(await claimed(store, other)).toEqual([]);
    await store.prune({ keepMs: 3_600_000 });
    expect(await rows()).toBe(1);
    expect((await store.find([step.stepId]))[0]).toMatchObject({ status: 'completed' });
  });

  test('that sorts before a claimed row makes that claim void, which goes back with the next exchange', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep({ stepId: 'double' })]);
    const token = fresh('token');
    await claimed(store, pod, { token });
    await driver.run(`INSERT INTO STEP_TRACKER (step_id, row_id, step_type) SELECT 'double', '!', 'work'`); // it sorts first
    expect((await store.exchange({ pod, settlements: [], readBack: token })).claims).toEqual([]);
    await store.exchange({ pod, settlements: [] });
    expect(ids(await claimed(store, pod))).toEqual(['double']);
    expect(await driver.run(`SELECT row_id AS r FROM STEP_TRACKER WHERE status = 'claimed'`)).toEqual([{ R: '!' }]);
  });
});
