/** A file that another connection has locked: calls wait without blocking the event loop. */
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Store } from '../../../src/store/contract.js';
import type { StoreClock } from '../../../src/store/sqlite/clock/store-clock.js';
import { SynchronousCore } from '../../../src/store/sqlite/synchronous-core.js';
import { isBusy, sqliteCode } from '../../../src/store/sqlite/sqlite-errors.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { claimRequest, newSteps, settlement } from '../../conformance/harness.js';
import { claimed, joined, newCore, newFile, newStore, POD, rawConnection, turn } from './support/files.js';

describe('while another connection writes', () => {
  const writes: Record<string, (store: Store) => Promise<unknown>> = {
    submit: (store) => store.submit(newSteps(1)),
    exchange: (store) => store.exchange({ pod: POD, settlements: [], claim: claimRequest() }),
    settle: (store) => store.settle(POD, [settlement({ stepId: 'none', claimToken: 'none', version: 1 })]),
    cancel: (store) => store.cancel('token', [{ stepId: 'none', version: 1 }]),
    retry: (store) => store.retry([{ stepId: 'none', version: 1 }]),
    prune: (store) => store.prune({ keepMs: 0 }),
    register: (store) => joined(store),
    heartbeat: (store) => store.heartbeat(POD, { eligible: true, asleep: false, meta: {} }),
    leave: (store) => store.leave({ podId: 'other', incarnation: 'other' }),
    evict: (store) => store.evict([POD]),
  };

  it.each(Object.entries(writes))(
    '%s waits for the lock without blocking the event loop, and then succeeds',
    async (_name, write) => {
      const path = newFile();
      const store = await newStore({ path });
      await joined(store);
      await store.submit(newSteps(1));
      const other = rawConnection(path);
      other.exec('BEGIN IMMEDIATE');
      let done = false;
      const call = write(store).finally(() => {
        done = true;
      });
      for (let turns = 0; turns < 20; turns++) await turn();
      expect(done).toBe(false);
      other.exec('ROLLBACK');
      await call;
    },
  );

  it('reads succeed', async () => {
    const path = newFile();
    const store = await newStore({ path });
    const steps = newSteps(3);
    await store.submit(steps);
    const other = rawConnection(path);
    other.exec('BEGIN IMMEDIATE; DELETE FROM STEP_TRACKER');
    expect(await store.find(steps.map(({ stepId }) => stepId))).toHaveLength(3);
    expect((await store.list({ order: 'oldest', limit: 10 })).steps).toHaveLength(3);
    expect((await store.stats()).byStatus.pending).toBe(3);
    expect(await store.orphans({ limit: 10 })).toEqual([]);
    other.exec('ROLLBACK');
  });

  it.each([
    ['stats', (store: Store) => store.stats()],
    ['prune', (store: Store) => store.prune({ keepMs: 0 })],
    ['fleet', (store: Store) => store.fleet()],
    ['ended', (store: Store) => store.ended({ awaited: new Set<string>(), since: null })],
  ])('%s is retried if the clock could not be read', async (_name, ask) => {
    const runtime = new VirtualRuntime();
    const store = await newStore({ path: ':memory:' }, runtime);
    await joined(store);
    await runtime.advance(2_000); // the clock polls for a newer heartbeat again
    const read = vi.spyOn(SynchronousCore.prototype, 'newestHeartbeat').mockImplementationOnce(() => {
      throw new Database.SqliteError('database is locked', 'SQLITE_BUSY');
    });
    onTestFinished(() => read.mockRestore());
    const asking = ask(store);
    const [answer] = await Promise.allSettled([asking, runtime.advance(1_000)]);
    expect(answer.status).toBe('fulfilled');
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('an exchange that finds nothing to do takes no lock', async () => {
    const path = newFile();
    const store = await newStore({ path, busyTimeoutMs: 1 });
    await joined(store);
    rawConnection(path).exec('BEGIN IMMEDIATE');
    expect(await claimed(store)).toEqual([]);
  });

  it('an operation that writes holds the lock from its first statement', () => {
    const path = newFile();
    const { core } = newCore(path);
    const other = rawConnection(path);
    let asked = 0;
    const clock = {
      set: () => {
        if (++asked === 2) expect(() => other.exec('BEGIN IMMEDIATE')).toThrow(/locked/);
        return asked === 2;
      },
      instant: () => ({ now: 1, wallMs: 1, hostMs: 0, boot: 'boot' }),
    };
    core.setClock(clock as unknown as StoreClock);
    expect(asked).toBe(2);
    other.exec('BEGIN IMMEDIATE; COMMIT');
  });

  it('a call fails at its deadline with an error that may be retried', async () => {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const store = await newStore({ path, busyTimeoutMs: 5_000 }, runtime);
    await store.open();
    rawConnection(path).exec('BEGIN IMMEDIATE');
    const startedAt = runtime.monotonicMs();
    const call = store.submit(newSteps(1));
    await expect(runtime.until(call)).rejects.toMatchObject({ code: 'STORE_BUSY', transient: true });
    expect(runtime.monotonicMs() - startedAt).toBeGreaterThanOrEqual(5_000);
    expect(runtime.monotonicMs() - startedAt).toBeLessThan(5_300);
  });

  it('retries every 1 to 3 ms at first, without growing pauses', async () => {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const store = await newStore({ path }, runtime);
    await store.open();
    const other = rawConnection(path);
    other.exec('BEGIN IMMEDIATE');
    const call = store.submit(newSteps(1));
    await runtime.advance(900);
    const freedAt = runtime.monotonicMs();
    other.exec('COMMIT');
    await runtime.until(call);
    expect(runtime.monotonicMs() - freedAt).toBeLessThanOrEqual(3);
  });

  it('close waits for the exchange in flight', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await joined(store);
    const [step] = newSteps(1);
    await store.submit([step!]);
    const [claim] = await claimed(store);
    const other = rawConnection(path);
    other.exec('BEGIN IMMEDIATE');
    const exchange = store.exchange({ pod: POD, settlements: [settlement(claim!)] });
    const closed = store.close();
    await turn();
    other.exec('COMMIT');
    expect((await exchange).receipts).toEqual(['settled']);
    await closed;
    await expect(store.find([step!.stepId])).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('close does not wait for longer than its limit', async () => {
    const path = newFile();
    const runtime = new VirtualRuntime();
    const store = await newStore({ path }, runtime);
    await store.open();
    rawConnection(path).exec('BEGIN IMMEDIATE');
    const call = store.submit(newSteps(1));
    const refused = expect(call).rejects.toMatchObject({ code: 'STORE_BUSY' });
    const closed = store.close();
    await runtime.until(closed, 1_100);
    await refused;
    expect(runtime.pending).toBe(0);
  });
});

describe('a busy error', () => {
  it('comes from reads too', () => {
    const path = newFile();
    const { connection } = newCore(path);
    connection.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT');
    let thrown: unknown;
    try {
      rawConnection(path).prepare('SELECT * FROM STEP_TRACKER').all();
    } catch (error) {
      thrown = error;
    }
    expect(isBusy(thrown), sqliteCode(thrown)).toBe(true);
  });

  it.each(['SQLITE_BUSY', 'SQLITE_BUSY_RECOVERY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_BUSY_TIMEOUT', 'SQLITE_LOCKED'])(
    'includes %s',
    (code) => {
      expect(isBusy(Object.assign(new Error('no'), { code }))).toBe(true);
    },
  );

  it('includes no other error', () => {
    expect(isBusy(new Error('SQLITE_BUSY'))).toBe(false);
    expect(isBusy(Object.assign(new Error('no'), { code: 'SQLITE_CORRUPT' }))).toBe(false);
    expect(isBusy('SQLITE_BUSY')).toBe(false);
  });

  it('leaves the broken transaction rolled back and the connection usable', () => {
    const { core, connection } = newCore();
    const [good] = newSteps(1);
    const bad = { ...good!, stepId: 'bad', payload: Symbol('unbindable') as unknown as string };
    expect(() => core.submit(1, [good!, bad])).toThrow();
    expect(connection.inTransaction).toBe(false);
    expect(connection.prepare('SELECT count(*) FROM STEP_TRACKER').pluck().get()).toBe(0);
  });
});
