/** The lock that INSERTs may hold: who waits for it, for how long, who is refused, and what is counted. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Driver } from './driver.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

const INSERT = 'INSERT INTO t SELECT 1';

describeOnTestBed('the insert lock', { timeout: 60_000 }, () => {
  // A second of LOCK_TIMEOUT and its like is 100 ms here.
  const { bed, connect, hold, options } = useTestBed({ suspension: { secondMs: 100 } });
  let driver: Driver;

  beforeEach(async () => {
    driver = await connect();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    await driver.run('CREATE TABLE other (n NUMBER(38, 0))');
    bed().meter.reset();
    locks().reset();
    onTestFinished(() => {
      locks().configure({ insertMs: 0, insertWaiters: 20 });
      bed().proxy.slots.configure({ count: 8, heldWhileLocked: true });
    });
  });

  const locks = () => bed().proxy.locks;
  const table = (name = 'T') => `${String(options().database)}.${String(options().schema)}.${name}`;
  const waiting = () => locks().inserts.waiting(table());
  const rows = async () => (await driver.run('SELECT n FROM t')).length;
  /** Holds the insert lock of a table until the test ends or calls this. */
  const holdInserts = async (name = 'T') => {
    const release = await locks().inserts.hold(table(name));
    onTestFinished(release);
    return release;
  };

  test('there is none unless it is turned on', async () => {
    await holdInserts();
    await driver.run(INSERT);
    expect(await rows()).toBe(1);
    expect(locks().inserts.counts(table()).asked).toBe(0);
  });

  test('an INSERT holds it for its time, and its rows are seen after that', async () => {
    locks().configure({ insertMs: 300 });
    const start = performance.now();
    await Promise.all([driver.run(INSERT), (await connect()).run(INSERT), (await connect()).run(INSERT)]);
    expect(performance.now() - start).toBeGreaterThan(895);
    expect(await rows()).toBe(3);
    expect(locks().inserts.counts(table())).toEqual({ asked: 3, mostWaiting: 2, refused: 0, timedOut: 0 });
    const waits = bed().meter.readings.map(({ lockWaitMs }) => lockWaitMs);
    expect(Math.max(...waits)).toBeGreaterThan(500);
  });

  test('INSERTs into another table, and all that is no INSERT, pass', async () => {
    locks().configure({ insertMs: 1 });
    await holdInserts();
    await driver.run('INSERT INTO other SELECT 1');
    await driver.run('UPDATE t SET n = 2');
    await driver.run('DELETE FROM t');
    await driver.run('MERGE INTO t USING (SELECT 5 AS k) s ON t.n = s.k WHEN NOT MATCHED THEN INSERT (n) VALUES (s.k)');
    expect(await rows()).toBe(1);
  });

  test('an INSERT does not wait for an UPDATE', async () => {
    locks().configure({ insertMs: 1 });
    await hold('T');
    await driver.run(INSERT);
    expect(await rows()).toBe(1);
  });

  test('more than the limit of INSERTs are refused at once, with 000625, and write nothing', async () => {
    locks().configure({ insertMs: 1 });
    bed().proxy.slots.configure({ count: 30 });
    const release = await holdInserts();
    const drivers = await Promise.all(Array.from({ length: 20 }, () => connect()));
    const inserts = drivers.map((one) => one.run(INSERT));
    await expect.poll(waiting, { timeout: 20_000 }).toBe(20);
    await expect(driver.run(INSERT)).rejects.toMatchObject({ code: '000625', sqlState: '57014' });
    expect(locks().inserts.counts(table())).toEqual({ asked: 21, mostWaiting: 20, refused: 1, timedOut: 0 });
    expect(locks().counts(table()).asked, 'the table itself').toBe(0);
    release();
    await Promise.all(inserts);
    expect(await rows()).toBe(20);
  });

  test('LOCK_TIMEOUT ends the wait of an INSERT, a cancel too, and neither writes', async () => {
    locks().configure({ insertMs: 1 });
    const release = await holdInserts();
    await driver.run('ALTER SESSION SET LOCK_TIMEOUT = 3');
    await expect(driver.run(INSERT)).rejects.toMatchObject({ code: '000625' });
    expect(locks().inserts.counts(table())).toMatchObject({ timedOut: 1, refused: 0 });
    const { statement, rows: result } = (await connect()).start(INSERT);
    await expect.poll(waiting).toBe(1);
    const cancelled = expect(result).rejects.toMatchObject({ code: '000604' });
    await new Promise((resolve) => statement.cancel(resolve));
    await cancelled;
    expect(waiting()).toBe(0);
    release();
    await driver.run(INSERT);
    expect(await rows()).toBe(1);
  });

  test('an INSERT that is cancelled while it holds the lock gives it back', async () => {
    locks().configure({ insertMs: 60_000 });
    const { statement, rows: result } = (await connect()).start(INSERT);
    await expect.poll(() => locks().inserts.counts(table()).asked).toBe(1);
    const cancelled = expect(result).rejects.toMatchObject({ code: '000604' });
    await new Promise((resolve) => statement.cancel(resolve));
    await cancelled;
    locks().configure({ insertMs: 1 });
    await driver.run(INSERT);
    expect(await rows()).toBe(1);
  });

  test.each([
    { held: true, how: 'keeps its slot' },
    { held: false, how: 'has given its slot back' },
  ])('an INSERT that waits $how', async ({ held }) => {
    locks().configure({ insertMs: 1 });
    bed().proxy.slots.configure({ count: 1, heldWhileLocked: held });
    const release = await holdInserts();
    const insert = (await connect()).run(INSERT);
    await expect.poll(waiting).toBe(1);
    expect(bed().proxy.slots.busy).toBe(held ? 1 : 0);
    const select = driver.run('SELECT n FROM t');
    if (held) await expect.poll(() => bed().proxy.slots.waiting).toBe(1);
    else expect(await select).toEqual([]);
    release();
    await Promise.all([insert, select]);
    expect([bed().proxy.slots.busy, await rows()]).toEqual([0, 1]);
  });
});
