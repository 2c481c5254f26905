/** The basics of the test bed: SQL runs, and the session has the state that was set. */
import { expect, onTestFinished, test } from 'vitest';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

describeOnTestBed('the test bed, through the real driver', () => {
  const { bed, connect, options } = useTestBed();

  test('runs statements, and gives their rows', async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (id VARCHAR, n NUMBER(38, 0), body VARIANT, at_ts TIMESTAMP_NTZ)');
    const rows = JSON.stringify([{ id: 'a', n: 1, body: { x: [1, null] } }, { id: 'ü' }]);
    const inserted = await driver.run(
      `INSERT INTO t SELECT f.value:id::VARCHAR, f.value:n::NUMBER(38, 0), f.value:body, NULL
       FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`,
      [rows],
    );
    expect(inserted).toEqual([{ 'number of rows inserted': 2 }]);
    expect((await driver.run('UPDATE t SET n = 5 WHERE id = ?', ['a']))[0]).toMatchObject({
      'number of rows updated': 1,
    });
    expect(await driver.run('SELECT * FROM t ORDER BY id')).toEqual([
      { ID: 'a', N: 5, BODY: { x: [1, null] }, AT_TS: null },
      { ID: 'ü', N: null, BODY: null, AT_TS: null },
    ]);
  });

  test('knows the database, schema, warehouse and role of the session', async () => {
    const driver = await connect();
    const { database, schema } = options() as { database: string; schema: string };
    const where = `SELECT CURRENT_DATABASE() AS d, CURRENT_SCHEMA() AS s, CURRENT_WAREHOUSE() AS w,
      CURRENT_ROLE() AS r, CURRENT_USER() AS u, 'CURRENT_ROLE()' AS text`;
    const expected = { D: database, S: schema, W: 'FLEET_Q_WH', R: 'FLEET_Q_ROLE', U: 'FAKE', TEXT: 'CURRENT_ROLE()' };
    expect(await driver.run(where)).toEqual([expected]);
    const { schema: other } = await bed().freshSchema();
    await driver.run(`USE SCHEMA ${other}`);
    expect(await driver.run(where)).toEqual([{ ...expected, S: other }]);
    await expect(driver.run('USE SCHEMA nowhere')).rejects.toMatchObject({ code: '002043', sqlState: '02000' });
    await expect(driver.run('USE WAREHOUSE nowhere')).rejects.toMatchObject({ code: '002043' });
  });

  test('records session parameters, from the login and from ALTER SESSION', async () => {
    const driver = await connect({ queryTag: 'first' });
    const session = () => bed().proxy.sessions.all.at(-1)!;
    expect(session().tag).toBe('first');
    await driver.run(`ALTER SESSION SET QUERY_TAG = 'it''s, b = 2', LOCK_TIMEOUT = 7 ABORT_DETACHED_QUERY = TRUE`);
    expect(Object.fromEntries(session().parameters)).toMatchObject({
      QUERY_TAG: `it's, b = 2`,
      LOCK_TIMEOUT: '7',
      ABORT_DETACHED_QUERY: 'TRUE',
    });
    await driver.run('ALTER SESSION UNSET QUERY_TAG');
    expect(session().tag).toBe('');
  });

  test('has no unique keys, and refuses what it does not support', async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (id VARCHAR NOT NULL PRIMARY KEY, n NUMBER(38, 0))');
    await driver.run(`INSERT INTO t SELECT 'a', 1 UNION ALL SELECT 'a', 2`);
    expect(await driver.run('SELECT n FROM t ORDER BY n')).toEqual([{ N: 1 }, { N: 2 }]);
    const failures = {
      '000904': 'SELECT nothing FROM t',
      '002003': 'SELECT * FROM nothing',
      '001003': 'SELEC 1',
      '000008': 'SELECT 1; DROP TABLE t',
      '100069': `SELECT PARSE_JSON('{')`,
      '100072': 'INSERT INTO t SELECT NULL, 1',
    };
    for (const [code, sql] of Object.entries(failures)) {
      await expect(driver.run(sql), sql).rejects.toMatchObject({ code });
    }
  });

  test('reports when a table last changed, from the changes that it saw', async () => {
    const [driver, other] = [await connect(), await connect()];
    const { database, schema } = options() as { database: string; schema: string };
    await driver.run('CREATE TABLE "t;1" (n NUMBER(38, 0))');
    const token = async () => {
      const name = `${database}.${schema}."t;1"`;
      return (await driver.run(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('${name}') AS token`))[0]!['TOKEN'] as number;
    };
    const first = await token();
    expect(await token()).toBe(first);
    await other.run('INSERT INTO "t;1" SELECT 1');
    const second = await token();
    expect(second).toBeGreaterThan(first);
    await other.run('UPDATE "t;1" SET n = 2 WHERE n = 7'); // no row
    expect(await token()).toBe(second);
    await other.run('DELETE FROM "t;1"');
    expect(await token()).toBeGreaterThan(second);
    const unknown = driver.run(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('nothing') AS token`);
    await expect(unknown).rejects.toMatchObject({ code: '002003' });
  });

  test('meters statements by kind and tag, locks, binds and what needed no warehouse', async () => {
    const driver = await connect({ queryTag: 'fleet-q/1' });
    await driver.run('CREATE TABLE t (id VARCHAR)');
    bed().meter.reset();
    await driver.run('INSERT INTO t SELECT ?', ['x'.repeat(1000)]);
    await driver.run('UPDATE t SET id = 1');
    await driver.run('SELECT COUNT(*) FROM t');
    await driver.run('SELECT id FROM t');
    await expect(driver.run('SELECT nothing FROM t')).rejects.toThrow();
    const report = bed().meter.report();
    expect(report).toMatchObject({
      statements: 5,
      byKind: { insert: 1, update: 1, metadata: 1, select: 2 },
      byTag: { 'fleet-q/1': 5 },
      ...{ locking: 1, free: 1, failed: { '000904': 1 } },
    });
    expect(report.slotMs).toBeGreaterThan(0);
    expect(report.largestBindBytes).toBeGreaterThan(1000);
    expect(bed().meter.readings.map(({ rows }) => rows)).toEqual([1, 1, 0, 1, 0]);
  });

  test('refuses an UPDATE with two source rows for one target, if the session asks for it', async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (id VARCHAR, n NUMBER(38, 0))');
    await driver.run(`INSERT INTO t SELECT 'a', 0 UNION ALL SELECT 'b', 0`);
    const update = (rows: object) =>
      driver.run(
        `UPDATE t s SET n = v.n + CAST(? AS NUMBER(38, 0)) FROM (
           SELECT f.value:id::VARCHAR AS id, f.value:n::NUMBER(38, 0) AS n FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f
         ) v WHERE s.id = v.id`,
        [10, JSON.stringify(rows)],
      );
    const doubled = [1, 2].map((n) => ({ id: 'a', n }));
    await update(doubled);
    await driver.run('ALTER SESSION SET ERROR_ON_NONDETERMINISTIC_UPDATE = TRUE');
    await expect(update(doubled)).rejects.toMatchObject({ code: '100090', sqlState: '42P18' });
    await update(['a', 'b'].map((id, n) => ({ id, n })));
    expect(await driver.run('SELECT n FROM t ORDER BY id')).toEqual([{ N: 10 }, { N: 11 }]);
  });

  test('takes the configured time', async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    bed().proxy.latency.configure({ statements: { insert: 1_000 }, networkMs: 500, scale: 0.2 });
    onTestFinished(() => bed().proxy.latency.configure({ statements: {}, networkMs: 0, scale: 1 }));
    const start = performance.now();
    await driver.run('INSERT INTO t SELECT 1');
    expect(performance.now() - start).toBeGreaterThan(295);
    expect(bed().meter.readings.at(-1)!.slotMs).toBeGreaterThan(195);
  });
});
