/** What an account or a user has set otherwise than Snowflake's defaults, and what the proxy keeps of a table. */
import { afterEach, expect, test } from 'vitest';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

describeOnTestBed('a user with settings', () => {
  const { bed, connect } = useTestBed();
  const become = (parameters: Readonly<Record<string, string>>) => bed().proxy.account.configure({ parameters });
  afterEach(() => become({}));

  test('has them until the session sets them otherwise, and again when it unsets them', async () => {
    become({ ROWS_PER_RESULTSET: '1' });
    const driver = await connect();
    const rows = async () => (await driver.run('SELECT 1 AS n UNION ALL SELECT 2')).length;
    expect(await rows()).toBe(1);
    await driver.run('ALTER SESSION SET ROWS_PER_RESULTSET = 0');
    expect(await rows()).toBe(2);
    await driver.run('ALTER SESSION UNSET ROWS_PER_RESULTSET');
    expect(await rows()).toBe(1);
  });

  test('reads no text as an instant by another format, in any way of asking for it', async () => {
    become({ TIMESTAMP_INPUT_FORMAT: 'DD/MM/YYYY' });
    const driver = await connect();
    for (const text of [
      `CAST('1970-01-01' AS TIMESTAMP_NTZ)`,
      `TO_TIMESTAMP_NTZ('1970-01-01')`,
      `'1970-01-01'::TIMESTAMP_NTZ`,
    ])
      await expect(driver.run(`SELECT ${text} AS t`), text).rejects.toMatchObject({ code: '100035' });
    await driver.run('SELECT TO_TIMESTAMP_NTZ(0) AS t');
  });

  test('finds no quoted name in small letters where their case is ignored', async () => {
    const plain = await connect();
    await plain.run('CREATE TABLE "small" (n NUMBER(38, 0))');
    become({ QUOTED_IDENTIFIERS_IGNORE_CASE: 'TRUE' });
    const driver = await connect();
    const { database, schema } = bed().proxy.sessions.all.at(-1)!;
    const name = `"${database}"."${schema}"."small"`;
    await expect(driver.run(`SELECT * FROM ${name}`)).rejects.toMatchObject({ code: '002003' });
    expect(await plain.run(`SELECT * FROM ${name}`)).toEqual([]);
    expect(await driver.run(`SELECT '"small"' AS t`)).toEqual([{ T: '"small"' }]);
  });

  test('gets whole numbers as objects of the driver', async () => {
    become({ JS_TREAT_INTEGER_AS_BIGINT: 'TRUE' });
    expect(typeof (await (await connect()).run('SELECT 1 AS n'))[0]!['N']).toBe('object');
  });

  test('keeps its changes to itself without AUTOCOMMIT', async () => {
    const other = await connect();
    await other.run('CREATE TABLE t (n NUMBER(38, 0))');
    become({ AUTOCOMMIT: 'FALSE' });
    const driver = await connect();
    await driver.run('INSERT INTO t SELECT 1');
    const seen = async () => (await other.run('SELECT COUNT(*) AS c FROM t'))[0]!['C'] as number;
    expect(await seen()).toBe(0);
    await driver.run('COMMIT');
    expect(await seen()).toBe(1);
  });

  test('must send the number of statements that is set, unless the request says another', async () => {
    become({ MULTI_STATEMENT_COUNT: '2' });
    const driver = await connect();
    await expect(driver.run('SELECT 1 AS n')).rejects.toMatchObject({ code: '000008' });
    expect(await driver.run('SELECT 1 AS n', [], { parameters: { MULTI_STATEMENT_COUNT: 1 } })).toEqual([{ N: 1 }]);
  });

  test('makes text columns that ignore case, unless the table says otherwise', async () => {
    become({ DEFAULT_DDL_COLLATION: 'en-ci' });
    const driver = await connect();
    const equal = async (table: string, column: string) =>
      (await driver.run(`SELECT COUNT(*) AS hits FROM ${table} WHERE ${column} = 'A'`))[0]!['HITS'] as number;
    await driver.run('CREATE TABLE t (a VARCHAR NOT NULL)');
    await driver.run(`CREATE TABLE u (a VARCHAR NOT NULL) DEFAULT_DDL_COLLATION = ''`);
    for (const table of ['t', 'u']) await driver.run(`ALTER TABLE ${table} ADD COLUMN b VARCHAR`);
    await driver.run(`ALTER TABLE t SET DEFAULT_DDL_COLLATION = ''`);
    for (const table of ['t', 'u']) {
      await driver.run(`ALTER TABLE ${table} ADD COLUMN c VARCHAR`);
      await driver.run(`INSERT INTO ${table} SELECT 'a', 'a', 'a'`);
    }
    const columns = ['a', 'b', 'c'] as const;
    expect(await Promise.all(columns.map((column) => equal('t', column)))).toEqual([1, 1, 0]);
    expect(await Promise.all(columns.map((column) => equal('u', column)))).toEqual([0, 0, 0]);
  });
});

describeOnTestBed('tables', () => {
  const { connect } = useTestBed();

  test('show the kind that they were made with, under their new name too', async () => {
    const driver = await connect();
    await driver.run('CREATE TRANSIENT TABLE t (n NUMBER(38, 0))');
    await driver.run('CREATE TABLE IF NOT EXISTS t (n NUMBER(38, 0))');
    await driver.run('CREATE TABLE p (n NUMBER(38, 0))');
    await driver.run('ALTER TABLE t RENAME TO renamed');
    const rows = await driver.run('SHOW TABLES');
    const kinds = Object.fromEntries(rows.map((row) => [row['name'] as string, row['kind'] as string]));
    expect(kinds).toEqual({ RENAMED: 'TRANSIENT', P: 'TABLE' });
  });

  test('refuse an INSERT that leaves out a column which needs a value, also one of no rows', async () => {
    const driver = await connect();
    await driver.run(`CREATE TABLE t (a VARCHAR NOT NULL, b VARCHAR NOT NULL DEFAULT 'x', c VARCHAR)`);
    const insert = (columns: string, values: string) =>
      driver.run(`INSERT INTO t (${columns}) SELECT ${values} WHERE FALSE`);
    await expect(insert('b, c', `'', ''`)).rejects.toMatchObject({ code: '100072' });
    await expect(insert('a, d', `'', ''`)).rejects.toThrow('does not have a column');
    expect(await insert('a', `''`)).toEqual([{ 'number of rows inserted': 0 }]);
  });

  test('and columns that are there already are refused with codes of their own', async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (a VARCHAR)');
    await expect(driver.run('CREATE TABLE t (a VARCHAR)')).rejects.toMatchObject({ code: '002002' });
    await expect(driver.run('ALTER TABLE t ADD COLUMN a VARCHAR')).rejects.toMatchObject({ code: '001430' });
  });
});
