/** The archive: which steps move there and when, what readers see of it, and how a retry brings a step back. */
import { expect, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { Retention } from '../../../src/store/snowflake/housekeeping/retention.js';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { newSteps, settlement, fresh, ids } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimed, joined, useStores } from './support/stores.js';

const FAR = { timeout: 60_000 };

describeOnTestBed('the archive', FAR, () => {
  const { open, byHand, pass, place, session } = useStores();

  test('takes ended steps, is read like the hot table, and returns a step that is retried', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    const steps = newSteps(3);
    await store.submit(steps);
    const claims = await claimed(store, pod);
    await store.settle(
      pod,
      claims.map((claim, i) => settlement(claim, i === 0 ? {} : { status: 'failed', result: null, error: '{}' })),
    );
    const before = await store.find(ids(steps));
    pass(1_200_000);
    expect(await store.prune({ keepMs: 86_400_000 })).toEqual({ removed: 0, more: false });
    const hot = async () => (await driver.run('SELECT COUNT(*) AS n FROM STEP_TRACKER'))[0]!['N'] as number;
    expect(await hot()).toBe(0);
    const byId = (a: { stepId: string }, b: { stepId: string }) => (a.stepId < b.stepId ? -1 : 1);
    expect([...(await store.find(ids(steps)))].sort(byId)).toEqual([...before].sort(byId));
    expect((await store.stats()).byStatus).toMatchObject({ completed: 1, failed: 2 });
    expect((await store.list({ order: 'oldest', limit: 10, statuses: ['failed'] })).steps).toHaveLength(2);
    expect(await store.submit(steps)).toEqual(steps.map(() => 'duplicate'));
    const [done, failed] = ids(steps).map((id) => before.find((row) => row.stepId === id)!);
    expect(await store.cancel(fresh('cancel'), [failed!])).toEqual(['alreadyTerminal']);
    expect(await store.retry([failed!, done!])).toEqual(['retried', 'notRetryable']);
    expect(await store.retry([failed!])).toEqual(['retried']);
    expect(await hot()).toBe(1);
    const again = await claimed(store, pod);
    expect(again).toMatchObject([{ stepId: failed!.stepId, retryCount: 0 }]);
    expect((await store.exchange({ pod, settlements: [settlement(again[0]!)] })).receipts).toEqual(['settled']);
    pass(1_200_000);
    await store.prune({ keepMs: 86_400_000 });
    expect((await store.find([failed!.stepId]))[0]).toMatchObject({ status: 'completed' });
    pass(86_400_000);
    expect(await store.prune({ keepMs: 86_400_000 })).toMatchObject({ removed: expect.any(Number), more: false });
    expect(await store.find(ids(steps))).toEqual([]);
  });

  test('is filled and emptied in chunks, and the logs are pruned before the last chunk', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await store.submit(newSteps(25));
    const claims = await claimed(store, pod, { free: 25 });
    await store.settle(
      pod,
      claims.map((claim) => settlement(claim)),
    );
    for (let beats = 0; beats < 3; beats++) await store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
    pass(1_200_000);
    const { housekeeping } = statementsOf(namesOf({ ...place(), tablePrefix: '' }));
    const retention = new Retention({
      statements: housekeeping,
      session: session(),
      log: createLog('store'),
      chunk: 10,
    });
    const count = async (table: string) => (await driver.run(`SELECT COUNT(*) AS n FROM ${table}`))[0]!['N'] as number;
    expect(await retention.prune(86_400_000)).toEqual({ removed: 0, more: true });
    expect([await count('STEP_TRACKER'), await count('STEP_ARCHIVE')]).toEqual([15, 10]);
    expect(await count('POD_LOG')).toBe(2); // registered, and the newest sign
    expect(await retention.prune(86_400_000)).toEqual({ removed: 0, more: true });
    expect(await retention.prune(86_400_000)).toEqual({ removed: 0, more: false });
    expect([await count('STEP_TRACKER'), await count('STEP_ARCHIVE')]).toEqual([0, 25]);
    pass(90_000_000);
    expect(await retention.prune(86_400_000)).toEqual({ removed: 10, more: true });
    expect(await retention.prune(86_400_000)).toEqual({ removed: 10, more: true });
    expect(await retention.prune(86_400_000)).toEqual({ removed: 5, more: false });
  });

  test('still answers for a settlement whose reply was lost, after its step was archived', async () => {
    const store = await open();
    const [pod, other] = [await joined(store), await joined(store)];
    await store.submit(newSteps(2));
    const [mine, lost] = await claimed(store, pod);
    await store.exchange({ pod, settlements: [settlement(mine!)] });
    await store.settle(other, [settlement(lost!)]);
    pass(1_200_000);
    await store.prune({ keepMs: 86_400_000 });
    expect((await store.exchange({ pod, settlements: [settlement(mine!), settlement(lost!)] })).receipts).toEqual([
      'settled',
      'lost',
    ]);
  });

  test('forgets pods in two cycles, and keeps live pods in POD_HEALTH', async () => {
    const [store, driver] = [await open(), await byHand()];
    const [gone, living] = [await joined(store), await joined(store)];
    await store.leave(gone);
    pass(4_000_000);
    await store.heartbeat(living, { eligible: true, asleep: false, meta: { load: 1 } });
    const rows = async (pod: { incarnation: string }) =>
      (await driver.run('SELECT event AS e FROM POD_LOG WHERE incarnation = ? ORDER BY event', [pod.incarnation])).map(
        (row) => row['E'] as string,
      );
    await store.prune({ keepMs: 1_000 });
    expect(await rows(gone)).toEqual(['left']);
    await store.prune({ keepMs: 1_000 });
    expect(await rows(gone)).toEqual([]);
    const health = await driver.run('SELECT * FROM POD_HEALTH');
    expect(health).toMatchObject([{ POD_ID: living.podId, STATUS: 'up', INCARNATION: living.incarnation }]);
  });
});
