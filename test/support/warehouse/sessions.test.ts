/** How sessions end, and how the driver reacts: traps that the store's own session has to handle. */
import { expect, test } from 'vitest';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

describeOnTestBed('sessions', () => {
  const { bed, connect } = useTestBed();

  test('390112: the driver renews the token and repeats the statement, in the same session', async () => {
    const driver = await connect();
    await driver.run(`ALTER SESSION SET QUERY_TAG = 'kept'`);
    const session = bed().proxy.sessions.all.at(-1);
    const token = session!.token;
    bed().proxy.faults.inject({ kind: 'expired' });
    expect(await driver.run('SELECT CURRENT_SESSION() AS id')).toEqual([{ ID: String(session!.id) }]);
    expect(session!.token).not.toBe(token);
    expect(session!.tag).toBe('kept');
  });

  test('390112, and the master token has expired too: the connection is dead, and says so', async () => {
    const driver = await connect();
    bed().proxy.faults.inject({ kind: 'expired' });
    bed().proxy.faults.inject({ kind: 'gone' }, { route: 'renew' });
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: 407002 });
    expect(driver.connection.isUp()).toBe(false);
  });

  test('390111: the session has ended, and isUp() stays false', async () => {
    const driver = await connect();
    bed().proxy.sessions.put('gone');
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: 407002 });
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: 407002 });
    expect(driver.connection.isUp()).toBe(false);
  });

  test('HTTP 401 with 390104: an error each time, and isUp() says true', async () => {
    const driver = await connect();
    bed().proxy.faults.inject({ kind: 'invalid' });
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: 401004 });
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: 401004 });
    expect(driver.connection.isUp()).toBe(true);
  });

  test('HTTP 401 without a body', async () => {
    const driver = await connect();
    // The driver asks once more whatever failed otherwise than in SQL.
    bed().proxy.faults.inject({ kind: 'status', status: 401 }, { times: 2 });
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: 401002 });
    expect(await driver.run('SELECT 1 AS one')).toEqual([{ ONE: 1 }]);
  });

  test('a session that logs out ends its transaction and releases its locks', async () => {
    const [driver, other] = [await connect(), await connect()];
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    await driver.run('INSERT INTO t SELECT 1');
    await driver.run('BEGIN');
    await driver.run('UPDATE t SET n = 2');
    const update = other.run('UPDATE t SET n = n + 10');
    await expect.poll(() => bed().proxy.locks.waiting()).toBe(1);
    await driver.close();
    await update;
    expect(await other.run('SELECT n FROM t')).toEqual([{ N: 11 }]);
  });
});
