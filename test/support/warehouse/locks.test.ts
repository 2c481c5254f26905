/** Table locks: which statements wait, in which order, for how long, and which are refused. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Driver } from './driver.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

describeOnTestBed('table locks', () => {
  // A second of LOCK_TIMEOUT and its like is 100 ms here.
  const { bed, connect, hold, options } = useTestBed({ suspension: { secondMs: 100 } });
  let driver: Driver;

  beforeEach(async () => {
    driver = await connect();
    await driver.run('CREATE TABLE t (id VARCHAR, n NUMBER(38, 0))');
    await driver.run(`INSERT INTO t SELECT 'a', 0`);
    await driver.run('CREATE TABLE other (n NUMBER(38, 0))');
    bed().meter.reset();
    bed().proxy.locks.reset();
    onTestFinished(() => bed().proxy.slots.configure({ count: 8 }));
  });

  const table = () => `${String(options().database)}.${String(options().schema)}.T`;
  const waiting = () => bed().proxy.locks.waiting(table());
  const n = async () => (await driver.run('SELECT n FROM t ORDER BY n')).map(({ N }) => N as number);

  test('UPDATE, DELETE and MERGE wait their turn; INSERT, SELECT and other tables pass', async () => {
    const release = await hold('T');
    const waiters = [await connect(), await connect(), await connect()];
    const update = waiters[0]!.run(`UPDATE ${table()} SET n = n + 1 WHERE id = 'a'`);
    await expect.poll(waiting).toBe(1);
    const remove = waiters[1]!.run('DELETE FROM "T" WHERE n > 5');
    await expect.poll(waiting).toBe(2);
    const source = `(SELECT 'b' AS k) s ON t.id = s.k`;
    const merge = waiters[2]!.run(`MERGE INTO t USING ${source} WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.k, 9)`);
    await expect.poll(waiting).toBe(3);
    await driver.run(`INSERT INTO t SELECT 'c', 6`);
    await driver.run('UPDATE other SET n = 1');
    expect(await n()).toEqual([0, 6]);
    release();
    await Promise.all([update, remove, merge]);
    expect(await n()).toEqual([1, 9]);
    const kinds = bed().meter.readings.map(({ kind }) => kind);
    expect(kinds.filter((kind) => ['update', 'delete', 'merge'].includes(kind))).toEqual([
      ...['update', 'update', 'delete', 'merge'], // the first is of the other table
    ]);
    expect(bed().meter.report().lockWaitMs).toBeGreaterThan(0);
  });

  test('a hundred concurrent UPDATEs lose none, where the emulator alone would refuse them', async () => {
    const drivers = await Promise.all(Array.from({ length: 10 }, () => connect()));
    for (let round = 0; round < 10; round++) {
      await Promise.all(drivers.map((one) => one.run('UPDATE t SET n = n + 1')));
    }
    expect(await n()).toEqual([100]);
  });

  test('more than the limit of waiters are refused at once, with 000625', async () => {
    bed().proxy.locks.configure({ waiters: 2 });
    onTestFinished(() => bed().proxy.locks.configure({ waiters: 20 }));
    const release = await hold('T');
    const first = (await connect()).run('UPDATE t SET n = n + 1');
    const second = (await connect()).run('UPDATE t SET n = n + 1');
    await expect.poll(waiting).toBe(2);
    await expect(driver.run('UPDATE t SET n = n + 1')).rejects.toMatchObject({ code: '000625', sqlState: '57014' });
    release();
    await Promise.all([first, second]);
    expect(await n()).toEqual([2]);
  });

  test('LOCK_TIMEOUT ends the wait', async () => {
    const release = await hold('T');
    await driver.run('ALTER SESSION SET LOCK_TIMEOUT = 3');
    const start = performance.now();
    await expect(driver.run('UPDATE t SET n = 1')).rejects.toMatchObject({ code: '000625', sqlState: '57014' });
    expect(performance.now() - start).toBeGreaterThan(295);
    expect(waiting()).toBe(0);
    release();
    await driver.run('UPDATE t SET n = 1');
    expect(await n()).toEqual([1]);
  });

  test('a queue of 20 waiters refuses the next one, loses those whose LOCK_TIMEOUT passes, and counts all of it', async () => {
    bed().proxy.slots.configure({ count: 30 });
    const release = await hold('T');
    const counts = () => bed().proxy.locks.counts(table());
    const waiters = await Promise.all(Array.from({ length: 20 }, () => connect()));
    const impatient = waiters.slice(0, 5);
    for (const one of impatient) await one.run('ALTER SESSION SET LOCK_TIMEOUT = 20'); // 2 s here
    const updates = waiters.map((one) => one.run('UPDATE t SET n = n + 1'));
    const ends = Promise.allSettled(updates);
    await expect.poll(() => counts().asked).toBe(20);
    expect(counts()).toMatchObject({ mostWaiting: 20, refused: 0 });
    await expect(driver.run('UPDATE t SET n = n + 1')).rejects.toMatchObject({ code: '000625' });
    expect(counts().refused).toBe(1);
    await expect.poll(waiting, { timeout: 20_000 }).toBe(15);
    const late = (await connect()).run('UPDATE t SET n = n + 100'); // there is room again
    await expect.poll(waiting).toBe(16);
    release();
    await late;
    const failures = (await ends).flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    expect(failures).toEqual(impatient.map(() => expect.objectContaining({ code: '000625', sqlState: '57014' })));
    expect(await n()).toEqual([115]);
    expect(counts()).toEqual({ asked: 22, mostWaiting: 20, refused: 1, timedOut: 5 });
    expect(bed().proxy.locks.counts(), 'of all tables').toEqual(counts());
    expect(bed().meter.report().failed).toEqual({ '000625': 6 });
    bed().proxy.locks.reset();
    expect(counts()).toEqual({ asked: 0, mostWaiting: 0, refused: 0, timedOut: 0 });
  });

  test('the most waiters are counted for each table, and for all of them together', async () => {
    const { locks } = bed().proxy;
    const releases = [await hold('T'), await hold('OTHER')];
    const drivers = [await connect(), await connect(), await connect()];
    const sql = ['UPDATE t SET n = n + 1', 'UPDATE t SET n = n + 1', 'UPDATE other SET n = 1'];
    const updates = drivers.map((one, i) => one.run(sql[i]!));
    await expect.poll(() => locks.waiting()).toBe(3);
    for (const release of releases) release();
    await Promise.all(updates);
    expect([locks.counts(table()).mostWaiting, locks.counts().mostWaiting, locks.mostWaiting]).toEqual([2, 2, 3]);
    locks.reset();
    expect(locks.mostWaiting).toBe(0);
  });

  test('STATEMENT_TIMEOUT_IN_SECONDS ends it too, also while it waits', async () => {
    await hold('T');
    await driver.run('ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 2');
    await expect(driver.run('UPDATE t SET n = 1')).rejects.toMatchObject({ code: '000630', sqlState: '57014' });
    expect(waiting()).toBe(0);
  });

  test('a transaction keeps the lock until its end', async () => {
    await driver.run('BEGIN');
    await driver.run('UPDATE t SET n = 5');
    await driver.run('UPDATE t SET n = n + 1');
    const other = (await connect()).run('UPDATE t SET n = n * 10');
    await expect.poll(waiting).toBe(1);
    await driver.run('COMMIT');
    await other;
    expect(await n()).toEqual([60]);
  });

  test('a cancelled waiter leaves the queue', async () => {
    const release = await hold('T');
    const { statement, rows } = driver.start('UPDATE t SET n = 1');
    await expect.poll(waiting).toBe(1);
    const cancelled = expect(rows).rejects.toMatchObject({ code: '000604' });
    await new Promise((resolve) => statement.cancel(resolve));
    await cancelled;
    expect(waiting()).toBe(0);
    release();
    expect(await n()).toEqual([0]);
  });

  test('a client that is gone: ABORT_DETACHED_QUERY ends its statement after five minutes', async () => {
    const { proxy } = bed();
    const mortal = await connect();
    await mortal.run('ALTER SESSION SET ABORT_DETACHED_QUERY = TRUE');
    proxy.suspension.configure({ secondMs: 1 }); // so 0.3 s
    onTestFinished(() => proxy.suspension.configure({ secondMs: 100 }));
    await hold('T');
    const update = mortal.run('UPDATE t SET n = 1');
    update.catch(() => {}); // looked at below
    await expect.poll(waiting).toBe(1);
    proxy.cut();
    await expect.poll(waiting).toBe(0);
    // The driver has sent it again, and gets the result of the first.
    await expect(update).rejects.toMatchObject({ code: '000604' });
  });
});
