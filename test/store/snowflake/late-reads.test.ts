/**
 * Answers under late reads: a session sees the commits of all other sessions late, also those of its own pod and of the session
 * that it replaces. Each answer follows from the rows as they are.
 */
import { expect, test } from 'vitest';
import { openTables } from '../../../src/store/snowflake/opening/open-tables.js';
import { SCHEMA_VERSION } from '../../../src/store/snowflake/schema.js';
import { fresh, pendingAgain, ids, newStep, newSteps, settlement } from '../../conformance/harness.js';
import type { Aim } from '../../support/warehouse/faults.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { lateOn } from './support/late-reads.js';
import { claimed, joined, useStores } from './support/stores.js';

const LATE_MS = 10_000;
const MINUTE = 60_000;
const BEAT = { eligible: true, asleep: false, meta: {} };

describeOnTestBed('under late reads', { timeout: 90_000 }, () => {
  const { bed, open, opening, byHand, pass } = useStores();

  /** The next matching statement runs, its reply is lost, and its session has ended when it is sent again. */
  const loseWithSession = (aim: Aim) => {
    bed().proxy.faults.inject({ kind: 'lost' }, aim);
    bed().proxy.faults.inject({ kind: 'gone' }, aim);
  };

  test('a settlement after a cancel gets the receipt cancelled, alone with three statements more', async () => {
    const [store, client] = [await open(), await open()];
    const pod = await joined(store);
    await store.submit(newSteps(3));
    const claims = await claimed(store, pod);
    const [one, two, three] = claims.map((claim) => settlement(claim));
    lateOn(bed()).by(LATE_MS);
    expect(await client.cancel(fresh('cancel'), [claims[0]!, claims[2]!])).toEqual(['cancelled', 'cancelled']);
    const sent = () => bed().meter.report(({ kind }) => kind !== 'session').byKind;
    bed().meter.reset();
    expect((await store.exchange({ pod, settlements: [one!, two!] })).receipts).toEqual(['cancelled', 'settled']);
    expect(sent()).toEqual({ update: 1, select: 1 }); // it has written the row that it was refused
    bed().meter.reset();
    expect(await store.settle(pod, [three!])).toEqual(['cancelled']);
    expect(sent()).toEqual({ update: 3, select: 2 });
  });

  test('a settlement after recovery is lost, and a second leader learns that it came too late', async () => {
    const [store, leaders] = [await open(), await open()];
    const [pod, leader] = [await joined(store), await joined(leaders)];
    await store.submit(newSteps(2));
    const [one, two] = await claimed(store, pod);
    lateOn(bed()).by(LATE_MS);
    expect(await leaders.settle(leader, [pendingAgain(one!)])).toEqual(['settled']);
    expect((await store.exchange({ pod, settlements: [settlement(one!), settlement(two!)] })).receipts).toEqual([
      'lost',
      'settled',
    ]);
    bed().meter.reset();
    expect(await leaders.settle(leader, [pendingAgain(two!)])).toEqual(['lost']);
    expect(bed().meter.report(({ kind }) => kind !== 'session').statements).toBeLessThanOrEqual(5);
  });

  test('a settlement goes through on a new session that sees neither the claim nor earlier settlements', async () => {
    const store = await open();
    const pod = await joined(store);
    const late = lateOn(bed());
    late.by(LATE_MS);
    await store.submit(newSteps(2));
    pass(LATE_MS + 1_000);
    const [one, two] = await claimed(store, pod);
    late.newSessions();
    expect((await store.exchange({ pod, settlements: [settlement(one!)] })).receipts).toEqual(['settled']);
    loseWithSession({ kinds: ['update'] });
    expect((await store.exchange({ pod, settlements: [settlement(two!)] })).receipts).toEqual(['settled']);
    late.newSessions();
    const again = [settlement(one!), settlement(two!)];
    expect((await store.exchange({ pod, settlements: again })).receipts).toEqual(['settled', 'settled']);
  });

  test('a settlement is answered from the archive, although the archive reads late', async () => {
    const [store, other] = [await open({ staleReadMs: 2_000 }), await open()];
    const pod = await joined(store);
    await store.submit(newSteps(2));
    const [one, two] = await claimed(store, pod);
    await store.exchange({ pod, settlements: [settlement(one!)] });
    pass(20 * MINUTE);
    const late = lateOn(bed());
    late.by(0);
    await other.prune({ keepMs: 60 * MINUTE });
    late.by(1_500);
    const archived = await store.exchange({ pod, settlements: [settlement(one!)] });
    expect(archived.receipts).toEqual(['settled']);
    await (await byHand()).run(`DELETE FROM STEP_TRACKER WHERE step_id = '${two!.stepId}'`);
    expect((await store.exchange({ pod, settlements: [settlement(two!)] })).receipts).toEqual(['lost']);
  });

  test('a submission that is sent again is no mismatch, and inserts no second row', async () => {
    const [store, driver] = [await open(), await byHand()];
    lateOn(bed()).by(LATE_MS);
    const step = newStep();
    loseWithSession({ kinds: ['insert'], text: /STEP_TRACKER/ });
    expect(await store.submit([step])).toEqual(['created']);
    // The INSERT sees the row, but the SELECT for it does not.
    bed().proxy.lateReads.draw = ({ kind }) => (kind === 'select' ? LATE_MS : 0);
    const other = await open();
    expect(await other.submit([step])).toEqual(['duplicate']);
    expect(await other.submit([{ ...step, payload: '{"type":"work","args":1}' }])).toEqual(['mismatch']);
    bed().proxy.lateReads.off();
    expect(await driver.run('SELECT COUNT(*) AS n FROM STEP_TRACKER')).toEqual([{ N: 1 }]);
  });

  test('a cancel or retry gets its true receipt, also from the session after the one that made it', async () => {
    const [store, other] = [await open(), await open()];
    const pod = await joined(store);
    await store.submit(newSteps(4));
    const [one, two, three, four] = await claimed(store, pod);
    lateOn(bed()).by(LATE_MS);
    loseWithSession({ kinds: ['update'] });
    expect(await store.cancel('token', [one!])).toEqual(['cancelled']);
    await store.exchange({ pod, settlements: [pendingAgain(two!), settlement(three!)] });
    expect(await other.cancel('other', [one!, two!, three!])).toEqual([
      'alreadyTerminal',
      'changed',
      'alreadyTerminal',
    ]);
    const failed = settlement(four!, { status: 'failed', result: null, error: '{}' });
    await store.exchange({ pod, settlements: [failed] });
    const at = { stepId: four!.stepId, version: four!.version + 1 };
    loseWithSession({ kinds: ['update'] });
    expect(await store.retry([at])).toEqual(['retried']);
    expect(await other.retry([at])).toEqual(['retried']);
  });

  test('a step is restored from the archive in one row, however many pods retry it', async () => {
    const [store, other, driver] = [await open(), await open(), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep()]);
    const [claim] = await claimed(store, pod);
    await store.exchange({ pod, settlements: [settlement(claim!, { status: 'failed', result: null, error: '{}' })] });
    pass(20 * MINUTE);
    await store.prune({ keepMs: 60 * MINUTE });
    lateOn(bed()).by(LATE_MS);
    const at = { stepId: claim!.stepId, version: claim!.version + 1 };
    loseWithSession({ kinds: ['insert'] });
    expect(await store.retry([at])).toEqual(['retried']);
    expect(await other.retry([at])).toEqual(['retried']);
    bed().proxy.lateReads.off();
    expect(await driver.run('SELECT COUNT(*) AS n FROM STEP_TRACKER')).toEqual([{ N: 1 }]);
  });

  test('a claim whose holder is not visible yet, or not visibly awake, is no orphan for a minute', async () => {
    const [store, leader, driver] = [await open(), await open(), await byHand()];
    const [young, sleeper] = [{ podId: fresh('pod'), incarnation: fresh('life') }, await joined(store)];
    await store.heartbeat(sleeper, { ...BEAT, asleep: true });
    await store.submit(newSteps(2));
    await claimed(store, young, { free: 1 });
    await claimed(store, sleeper, { free: 1 });
    expect(await leader.orphans({ limit: 10 })).toEqual([]);
    pass(50_000);
    expect(await leader.orphans({ limit: 10 })).toEqual([]);
    pass(11_000);
    expect((await leader.orphans({ limit: 10 })).map(({ reason }) => reason)).toEqual(['unknown', 'asleep']);
    await driver.run(`UPDATE STEP_TRACKER SET claimed_ts = SYSDATE()`);
    await store.leave(sleeper);
    expect((await leader.orphans({ limit: 10 })).map(({ reason }) => reason)).toEqual(['left']);
  });

  test('claims that a new session does not see are shown by later heartbeats, and taken by no other pod', async () => {
    const [store, other] = [await open(), await open()];
    const [pod, rival] = [await joined(store), await joined(other)];
    await store.submit([newStep()]);
    const late = lateOn(bed());
    late.by(LATE_MS);
    await claimed(store, pod, { token: 'k' }); // the reply is lost
    late.newSessions();
    expect((await store.exchange({ pod, settlements: [], readBack: 'k' })).claims).toEqual([]);
    expect(await claimed(store, pod)).toEqual([]);
    expect(await claimed(other, rival)).toEqual([]);
    pass(LATE_MS + 1_000);
    const { claims } = await store.heartbeat(pod, BEAT);
    expect(claims).toMatchObject([{ claimToken: 'k' }]);
    expect((await store.exchange({ pod, settlements: [pendingAgain(claims[0]!)] })).receipts).toEqual(['settled']);
    late.off();
    expect(ids(await claimed(other, rival))).toHaveLength(1);
  });

  test('a store opens tables whose version it does not see yet', async () => {
    const driver = await byHand();
    await open();
    await driver.run('DELETE FROM SCHEMA_INFO');
    lateOn(bed()).by(1_500);
    const parts = opening({}, { createTables: false, staleReadMs: 2_500 });
    await expect(openTables(parts)).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' });
    await driver.run(`INSERT INTO SCHEMA_INFO (version, oldest_allowed, at_ts) SELECT ${SCHEMA_VERSION}, 1, SYSDATE()`);
    expect(await openTables(parts)).toBe(1);
  });
});
