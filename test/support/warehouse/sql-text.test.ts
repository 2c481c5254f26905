import { describe, expect, test } from 'vitest';
import { classify } from './statement-kind.js';
import { withContext } from './context-functions.js';
import { Session } from './sessions.js';
import { countStatements, fullName, leadingName, skeleton } from './sql-text.js';

describe('the surface of SQL', () => {
  test('blanks what is not SQL, and keeps every place', () => {
    const sql = `SELECT 'a;''b', "x;""y" -- c;\n/* d; */ FROM t`;
    expect(skeleton(sql)).toBe(`SELECT '     ', "xxxxx"      \n         FROM t`);
    expect(skeleton(sql)).toHaveLength(sql.length);
  });

  test.each([
    [`SELECT 1`, 1],
    [`SELECT ';'; -- ;\n`, 1],
    [`SELECT 1; SELECT 2`, 2],
    [`SELECT "a;b" FROM "x"";y"`, 1],
  ])('counts the statements of %s', (sql, count) => {
    expect(countStatements(sql)).toBe(count);
  });

  test('reads names as Snowflake keeps them', () => {
    expect(leadingName(` db."my ""s"" . x". t1 (a)`)).toEqual(['DB', 'my "s" . x', 'T1']);
    expect(leadingName(`(SELECT 1)`)).toEqual([]);
    expect(fullName(['T'], { database: 'D', schema: 'S' })).toBe('D.S.T');
    expect(fullName(['X', 'T'], { database: 'D', schema: 'S' })).toBe('D.X.T');
    expect(fullName(['T'], { database: null, schema: null })).toBe('T');
  });

  test('puts in what the session is, and only where it is called', () => {
    const session = new Session(7, 'fake', 'token');
    Object.assign(session, { warehouse: `O'WH` });
    expect(withContext(`SELECT current_warehouse( ), 'CURRENT_ROLE()', CURRENT_ROLE()`, session, 'acc')).toBe(
      `SELECT 'O''WH', 'CURRENT_ROLE()', CAST(NULL AS VARCHAR)`,
    );
  });
});

describe('kinds of statements', () => {
  test.each([
    ['select', `WITH a AS (SELECT 1) SELECT * FROM a`],
    ['select', `(SELECT n FROM t) UNION ALL (SELECT 1)`],
    ['select', `SELECT COUNT(*) FROM t WHERE n = 1`],
    ['select', `SELECT f.value FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`],
    ['metadata', `SELECT COUNT(*) AS n FROM db."s".t`],
    ['metadata', `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('d.s.t') AS token`],
    ['metadata', `SHOW TABLES`],
    ['session', `ALTER SESSION SET QUERY_TAG = 'x'`],
    ['session', `USE SCHEMA a.b`],
    ['transaction', `COMMIT`],
    ['definition', `CREATE TABLE t (n NUMBER)`],
    ['insert', `-- why\nINSERT INTO a.t SELECT 1`],
    ['update', `UPDATE a.t t SET n = 1`],
    ['delete', `DELETE FROM a.t USING u`],
    ['merge', `MERGE INTO a.t USING u`],
  ])('%s: %s', (kind, sql) => {
    const statement = classify(sql);
    expect(statement.kind).toBe(kind);
    expect(statement.locks).toBe(['update', 'delete', 'merge'].includes(kind));
    expect(statement.free).toBe(['definition', 'metadata', 'session', 'transaction'].includes(kind));
    expect(statement.table).toEqual(statement.locks || kind === 'insert' ? ['A', 'T'] : undefined);
  });

  test('a copy of a table computes', () => {
    expect(classify('CREATE TRANSIENT TABLE t AS SELECT * FROM u').free).toBe(false);
  });
});
