/** The store works the same if the account or the user has other settings than Snowflake's defaults. */
import { afterEach, expect, test } from 'vitest';
import type { Store } from '../../../src/store/contract.js';
import { sessionSettings } from '../../../src/store/snowflake/session/statements.js';
import { newStep, settlement } from '../../conformance/harness.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimed, joined, useStores } from './support/stores.js';

/** What is set for the user; each would change what a statement means, how long it waits, or how its rows are read. */
const USERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'reads instants in a format of its own': { TIMESTAMP_INPUT_FORMAT: 'DD/MM/YYYY' },
  'gets one row of each result': { ROWS_PER_RESULTSET: '1' },
  'ignores the case of quoted names': { QUOTED_IDENTIFIERS_IGNORE_CASE: 'TRUE' },
  'gets whole numbers as objects': { JS_TREAT_INTEGER_AS_BIGINT: 'TRUE' },
  'has to commit by itself': { AUTOCOMMIT: 'FALSE' },
  'sends two statements in each request': { MULTI_STATEMENT_COUNT: '2' },
  'makes tables that ignore case': { DEFAULT_DDL_COLLATION: 'en-ci' },
};

/** Settings whose effect the test bed does not model. A test can only check that they are set. */
const UNSEEN: Readonly<Record<string, string>> = {
  TIMESTAMP_INPUT_FORMAT: 'DD/MM/YYYY', // no statement of ours reads a text as an instant
  TIMEZONE: 'Pacific/Auckland',
  USE_CACHED_RESULT: 'TRUE',
  STATEMENT_TIMEOUT_IN_SECONDS: '1',
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: '1',
  ABORT_DETACHED_QUERY: 'FALSE',
  ERROR_ON_NONDETERMINISTIC_UPDATE: 'FALSE',
  QUERY_TAG: 'theirs',
};

describeOnTestBed('a store whose user', { timeout: 60_000 }, () => {
  const { bed, open, byHand, hold, place } = useStores();
  const become = (parameters: Readonly<Record<string, string>>) => bed().proxy.account.configure({ parameters });
  afterEach(() => become({}));

  const beats = async (store: Store, pod: Awaited<ReturnType<typeof joined>>) => {
    const { pods } = await store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
    return pods.find((one) => one.pod.incarnation === pod.incarnation)!.beat;
  };

  /** Ids and types that differ by case alone are different. */
  const works = async (store: Store, admin: Driver, table: string) => {
    const pod = await joined(store);
    const before = await store.stats();
    const steps = [newStep({ stepId: 'one', type: 'work' }), newStep({ stepId: 'ONE', type: 'work' })];
    expect(await store.submit([...steps, newStep({ stepId: 'other', type: 'Work' })])).toEqual(
      Array(3).fill('created'),
    );
    expect(await store.submit(steps)).toEqual(['duplicate', 'duplicate']);
    const claims = await claimed(store, pod, { types: new Map([['work', 10]]) });
    expect(claims.map(({ stepId }) => stepId).filter((id) => /^one$/i.test(id))).toEqual(['one', 'ONE']);
    expect(claims.map(({ stepId }) => stepId)).not.toContain('other');
    const { receipts } = await store.exchange({ pod, settlements: claims.map((claim) => settlement(claim)) });
    expect(new Set(receipts)).toEqual(new Set(['settled']));
    const [step] = await store.find(['other']);
    expect(step).toMatchObject({ status: 'pending', type: 'Work', priority: 0 });
    expect(Math.abs(step!.createdAt - Date.now())).toBeLessThan(600_000);
    const { steps: listed } = await store.list({ order: 'oldest', limit: 10 });
    expect(listed.map(({ stepId }) => stepId)).toEqual(expect.arrayContaining(['one', 'ONE', 'other']));
    const after = await store.stats();
    expect(after.byStatus.completed - (before.byStatus.completed ?? 0)).toBe(claims.length);
    expect(await beats(store, pod)).not.toBe(await beats(store, pod));
    const seen = await admin.run(`SELECT COUNT(*) AS n FROM "${table}" WHERE status = 'completed'`);
    expect(seen).toEqual([{ N: claims.length }]);
  };

  for (const [how, parameters] of Object.entries(USERS)) {
    test(`${how} makes its tables and works on them`, async () => {
      const admin = await byHand();
      become(parameters);
      await works(await open(), admin, 'STEP_TRACKER');
    });

    test(`${how} works on tables that another user has made`, async () => {
      const [admin, tablePrefix] = [await byHand(), 'made_'];
      await (await open({ tablePrefix })).submit([newStep({ stepId: 'before', type: 'work' })]);
      become(parameters);
      const store = await open({ tablePrefix });
      expect(await store.find(['before'])).toHaveLength(1);
      await works(store, admin, 'made_STEP_TRACKER');
    });
  }

  test("has a LOCK_TIMEOUT of 0 waits for a lock as long as the store's own setting says", async () => {
    become({ LOCK_TIMEOUT: '0' });
    const store = await open();
    const pod = await joined(store);
    await store.submit([newStep()]);
    const release = await hold('STEP_TRACKER');
    const claims = claimed(store, pod);
    await expect.poll(() => bed().proxy.locks.waiting()).toBe(1);
    release();
    expect(await claims).toHaveLength(1);
    expect(bed().meter.readings.map(({ code }) => code)).not.toContain('000625');
  });

  test('has any other settings gets sessions with the settings of the store', async () => {
    become(UNSEEN);
    const earlier = new Set(bed().proxy.sessions.all);
    const { schema } = place();
    await open({ queryTag: schema });
    const [session] = bed().proxy.sessions.all.filter((one) => !earlier.has(one) && one.tag === schema);
    const set = [...sessionSettings(schema, 60).matchAll(/(\w+) = (?:'([^']*)'|(\w+))/g)];
    for (const [, name, quoted, plain] of set) expect(session!.parameter(name!), name).toBe(quoted ?? plain);
    const names = set.map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(UNSEEN)));
  });
});
