/** Rows that are changed by SQL while a store uses them, and tables that are missing for a time. */
import { describe, expect, it } from 'vitest';
import type { Claim, Store } from '../../../src/store/contract.js';
import { claimRequest, newSteps, settlement } from '../../conformance/harness.js';
import { claimed, joined, newFile, newStore, POD, rawConnection } from './support/files.js';

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);
const BEAT = { eligible: true, asleep: false, meta: {} };

/** A store with one ready step, and a second connection like that of the `sqlite3` shell. */
async function opened() {
  const path = newFile();
  const store = await newStore({ path });
  await joined(store);
  const [step] = newSteps(1);
  await store.submit([step!]);
  const raw = rawConnection(path);
  const set = (column: string, value: unknown): void =>
    void raw.prepare(`UPDATE STEP_TRACKER SET ${column} = ? WHERE step_id = ?`).run(value, step!.stepId);
  return { path, store, raw, set, stepId: step!.stepId };
}

const failed = (claim: Claim) => settlement(claim, { status: 'pending', charge: 1, crash: 1, delayMs: 0 });

async function exchanged(store: Store, settlements: readonly ReturnType<typeof settlement>[]) {
  return store.exchange({ pod: POD, settlements, claim: claimRequest({ quarantine: 1 }) });
}

const COLUMNS = [
  'version',
  'retry_count',
  'crashes',
  'max_retries',
  'priority',
  'run_at',
  'created_ts',
  'last_update_ts',
];
const EXTREMES = [2n ** 53n, 2n ** 53n - 1n, MOST, MOST - 1n, LEAST].flatMap((value) =>
  COLUMNS.map((column) => [column, value] as const),
);

describe('a 64-bit number that was written by hand', () => {
  it.each(EXTREMES)('%s %s in a ready step: the step is claimed, fails, and completes', async (column, value) => {
    const { store, set, stepId } = await opened();
    set(column, value);
    const [first] = await claimed(store, { quarantine: 1 });
    expect(first).toMatchObject({ stepId });
    const { receipts, claims } = await exchanged(store, [failed(first!)]);
    expect(receipts).toEqual(['settled']);
    const held = (await store.heartbeat(POD, BEAT)).claims;
    expect(held).toEqual(claims.map(({ claimToken, version }) => ({ stepId, claimToken, version })));
    expect((await exchanged(store, [settlement(claims[0]!)])).receipts).toEqual(['settled']);
    expect((await store.stats()).byStatus).toMatchObject({ completed: 1, pending: 0, claimed: 0 });
    expect((await store.list({ order: 'oldest', limit: 10 })).steps).toHaveLength(1);
  });

  it.each(EXTREMES)('%s %s in a running step: the step ends, or is given back', async (column, value) => {
    const { store, set } = await opened();
    const [claim] = await claimed(store);
    set(column, value);
    const { receipts } = await exchanged(store, [failed(claim!)]);
    expect(receipts).toEqual([column === 'version' ? 'lost' : 'settled']);
    // A pod gives back a claim that it does not know.
    const { claims: held } = await store.heartbeat(POD, BEAT);
    const released = held.map((fence) => settlement(fence, { status: 'pending', delayMs: 0 }));
    expect((await exchanged(store, released)).receipts).toEqual(held.map(() => 'settled'));
    const [last] = (await store.heartbeat(POD, BEAT)).claims;
    expect((await exchanged(store, [settlement(last!)])).receipts).toEqual(['settled']);
    expect((await store.stats()).byStatus).toMatchObject({ completed: 1 });
  });

  it.each([2n ** 53n, MOST, LEAST])('version %s can be cancelled and retried', async (version) => {
    const { store, set, stepId } = await opened();
    for (const [verb, answer] of [
      [() => at().then((step) => store.cancel('token', [step])), 'cancelled'],
      [() => at().then((step) => store.retry([step])), 'retried'],
    ] as const) {
      set('version', version);
      expect(await verb()).toEqual([answer]);
    }
    async function at() {
      const [found] = await store.find([stepId]);
      return { stepId, version: found!.version };
    }
  });

  it.each([2n ** 53n, MOST, LEAST])('version %s of a pod that left is recovered', async (version) => {
    const { store, set, stepId } = await opened();
    await claimed(store);
    set('version', version);
    await store.leave(POD);
    const [orphan] = await store.orphans({ limit: 10 });
    expect(orphan).toMatchObject({ stepId, reason: 'left' });
    expect(await store.settle(POD, [settlement(orphan!, { status: 'pending', delayMs: 0 })])).toEqual(['settled']);
  });

  it('in created_ts does not set the clock of a process that opens the file', async () => {
    const { store, path, raw, set, stepId } = await opened();
    set('created_ts', MOST);
    await store.leave(POD);
    await store.close();
    const later = await newStore({ path });
    const pod = await joined(later, { podId: 'later', incarnation: 'later' });
    const [claim] = await claimed(later, {}, pod);
    expect(claim).toMatchObject({ stepId });
    expect((await later.find([stepId]))[0]!.updatedAt).toBeLessThan(4e12);
    expect(raw.prepare('SELECT max(birth_ts) FROM POD_HEALTH').pluck().get()).toBeLessThan(4e12);
  });
});

describe('a step that SQL ends while it runs', () => {
  it.each([
    ['completed', `UPDATE STEP_TRACKER SET status = 'completed'`],
    ['set back to pending', `UPDATE STEP_TRACKER SET status = 'pending', claim_token = NULL`],
    ['deleted', 'DELETE FROM STEP_TRACKER'],
    ['given an unknown status', `UPDATE STEP_TRACKER SET status = 'done'`],
  ])('is lost to its holder if it was %s', async (_what, sql) => {
    const { store, raw } = await opened();
    const [claim] = await claimed(store);
    raw.exec(sql);
    expect((await store.heartbeat(POD, BEAT)).claims).toEqual([]);
    expect((await store.exchange({ pod: POD, settlements: [settlement(claim!)] })).receipts).toEqual(['lost']);
  });
});

describe('a missing table', () => {
  it.each(['STEP_TRACKER', 'POD_HEALTH', 'SCHEMA_INFO'])(
    '(%s) fails the calls that need it with STORE_ALTERED until it is back',
    async (table) => {
      const { store, raw, stepId } = await opened();
      const calls: (() => Promise<unknown>)[] = [
        () => store.submit(newSteps(1)),
        () => exchanged(store, []),
        () => store.heartbeat(POD, BEAT),
        () => store.find([stepId]),
        () => store.stats(),
        () => store.prune({ keepMs: 0 }),
      ];
      raw.exec(`ALTER TABLE ${table} RENAME TO away`);
      const altered = { name: 'StoreError', code: 'STORE_ALTERED', transient: false };
      const outcomes = await Promise.allSettled(calls.map((call) => call()));
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused.length).toBeGreaterThan(0);
      for (const { reason } of refused) expect(reason).toMatchObject(altered);
      raw.exec(`ALTER TABLE away RENAME TO ${table}`);
      for (const call of calls) await call();
    },
  );

  it('is reported when the file is opened, as is a foreign table of the same name', async () => {
    const { store, path, raw } = await opened();
    await store.close();
    raw.exec('ALTER TABLE STEP_TRACKER RENAME TO away');
    await expect((await newStore({ path })).open()).rejects.toMatchObject({ code: 'STORE_ALTERED' });
    const foreign = newFile();
    rawConnection(foreign).exec('CREATE TABLE STEP_TRACKER (id)');
    await expect((await newStore({ path: foreign })).open()).rejects.toMatchObject({ code: 'STORE_ALTERED' });
    expect(rawConnection(foreign).prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(1);
  });
});
