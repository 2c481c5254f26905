/** The linter of the test bed: each rule refuses what breaks it, and nothing that only looks similar. */
import { beforeAll, expect, test } from 'vitest';
import { BED_MS, describeOnTestBed } from '../warehouse/suite.js';
import { useTestBed } from '../warehouse/use-test-bed.js';
import { lint, type Verdicts } from './lint.js';

const TABLES = {
  t: { id: 'VARCHAR NOT NULL', n: 'NUMBER(38,0)', body: 'VARIANT', at_ts: 'TIMESTAMP_NTZ' },
  u: { id: 'VARCHAR', owner: 'VARCHAR', made_ts: 'TIMESTAMP_NTZ' },
};
const FLATTENED = 'SELECT f.value:id::VARCHAR AS its_id FROM t s, LATERAL FLATTEN(INPUT => s.body) f';

/** For each rule, texts that break it and texts that do not. */
const RULES: Readonly<Record<string, { readonly broken: readonly string[]; readonly fine: readonly string[] }>> = {
  'cast-bind': {
    broken: ['SELECT ?::NUMBER', 'SELECT id FROM t WHERE n = ?::NUMBER(38,0)'],
    fine: [
      'SELECT CAST(? AS NUMBER)',
      `SELECT '?::NUMBER' AS txt`,
      'SELECT b:n::NUMBER FROM (SELECT PARSE_JSON(?) AS b)',
    ],
  },
  'one-statement': {
    broken: ['SELECT 1; SELECT 2'],
    fine: ['SELECT 1;', `SELECT 'a; b'`],
  },
  'with-before-change': {
    broken: [
      'WITH q AS (SELECT 1 AS a) UPDATE t SET n = q.a FROM q WHERE t.n = q.a',
      `WITH q AS (SELECT 'x' AS a) DELETE FROM t USING q WHERE id = q.a`,
      `WITH q AS (SELECT 'x' AS a) MERGE INTO t USING q ON t.id = q.a WHEN MATCHED THEN DELETE`,
      `WITH q AS (SELECT 'x' AS a) INSERT INTO t (id) SELECT a FROM q`,
    ],
    fine: [
      'UPDATE t SET n = q.a FROM (WITH z AS (SELECT 1 AS a) SELECT a FROM z) q WHERE t.n = q.a',
      `INSERT INTO t (id) WITH q AS (SELECT 'x' AS a) SELECT a FROM q`,
      'WITH q AS (SELECT 1 AS a) SELECT a FROM q',
    ],
  },
  returning: {
    broken: [
      'UPDATE t SET n = 1 RETURNING id',
      `INSERT INTO t (id) SELECT 'x' RETURNING id`,
      'DELETE FROM t RETURNING id',
    ],
    fine: ['UPDATE t SET n = 1', 'SELECT id AS returned FROM t'],
  },
  'limited-change': {
    broken: [
      'UPDATE t SET n = 1 WHERE n = 0 LIMIT 5',
      'DELETE FROM t WHERE n = 0 LIMIT 5',
      'DELETE FROM t ORDER BY n LIMIT 5',
    ],
    fine: [
      'UPDATE t SET n = 1 FROM (SELECT id AS k FROM t ORDER BY n LIMIT 5) s WHERE t.id = s.k',
      'SELECT id FROM t LIMIT 5',
    ],
  },
  'aliased-delete': {
    broken: [`DELETE FROM t x WHERE x.id = 'a'`],
    fine: [`DELETE FROM t USING (SELECT 'a' AS k) x WHERE id = x.k`],
  },
  'limit-bind': {
    broken: [
      'SELECT id FROM (SELECT id FROM t LIMIT ?)',
      'UPDATE t SET n = 1 FROM (SELECT id AS k FROM t LIMIT ?) s WHERE t.id = s.k',
      `INSERT INTO u (id) SELECT id FROM t LIMIT ?`,
    ],
    fine: ['SELECT id FROM t LIMIT ?', 'SELECT id FROM (SELECT id FROM t LIMIT 5)'],
  },
  'values-variant': {
    broken: ['INSERT INTO t (body) VALUES (PARSE_JSON(?))', `INSERT INTO t (body) VALUES (OBJECT_CONSTRUCT('a', 1))`],
    fine: ['INSERT INTO t (body) SELECT PARSE_JSON(?)', `INSERT INTO t (id) VALUES ('PARSE_JSON')`],
  },
  'added-column': {
    broken: [
      'ALTER TABLE t ADD COLUMN IF NOT EXISTS x NUMBER DEFAULT 0',
      'ALTER TABLE t ADD COLUMN x VARCHAR DEFAULT UUID_STRING()',
    ],
    fine: ['ALTER TABLE t ADD COLUMN IF NOT EXISTS x NUMBER', 'ALTER TABLE t ADD COLUMN x NUMBER DEFAULT 0'],
  },
  'reserved-name': {
    broken: ['SELECT n AS rows FROM t', 'SELECT n AS row FROM t', 'SELECT id FROM t AS sample'],
    fine: ['SELECT n AS "ROWS" FROM t', 'SELECT n AS row_no FROM t'],
  },
  'outer-flatten': {
    broken: [
      'SELECT s.id FROM t s LEFT JOIN LATERAL FLATTEN(INPUT => s.body) f ON TRUE',
      'SELECT s.id FROM t s LEFT JOIN TABLE(FLATTEN(INPUT => s.body)) f ON f.index = s.n',
    ],
    fine: [
      'SELECT s.id FROM t s, LATERAL FLATTEN(INPUT => s.body) f',
      `WITH flat AS (${FLATTENED}) SELECT s.id FROM t s LEFT JOIN flat f ON f.its_id = s.id`,
    ],
  },
  correlated: {
    broken: [
      `SELECT f.value::VARCHAR AS k FROM t s, LATERAL FLATTEN(INPUT => s.body) f WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.id = f.value::VARCHAR)`,
      `SELECT s.id FROM t s WHERE EXISTS (SELECT 1 FROM TABLE(FLATTEN(INPUT => s.body)) f WHERE f.value::VARCHAR = s.id)`,
      `SELECT s.id FROM t s WHERE EXISTS (SELECT 1 FROM u WHERE u.owner = s.id LIMIT 1)`,
      `SELECT s.id FROM t s WHERE s.n IN (SELECT ROW_NUMBER() OVER (ORDER BY u.id) FROM u WHERE u.owner = s.id)`,
      `SELECT s.id FROM t s WHERE s.id = (SELECT u.owner FROM u WHERE u.id = s.id)`,
      `SELECT s.id, (SELECT MAX(u.owner) FROM u WHERE u.id = s.id) AS most FROM t s`,
      `DELETE FROM t WHERE EXISTS (SELECT 1 FROM u, LATERAL FLATTEN(INPUT => t.body) f WHERE u.id = f.value::VARCHAR)`,
      `SELECT s.id FROM t s WHERE EXISTS (SELECT 1 FROM u WHERE owner = s.id QUALIFY ROW_NUMBER() OVER (PARTITION BY owner ORDER BY id) = 1)`,
    ],
    fine: [
      `SELECT s.id FROM t s WHERE EXISTS (SELECT 1 FROM u WHERE u.owner = s.id)`,
      `SELECT s.id FROM t s WHERE s.id = (SELECT MAX(u.owner) FROM u WHERE u.id = s.id)`,
      `SELECT s.id, (SELECT MAX(u.owner) FROM u) AS most FROM t s`,
      `SELECT s.id FROM t s WHERE s.id IN (${FLATTENED.replaceAll(' s', ' x').replace('s.body', 'x.body')})`,
      `WITH flat AS (${FLATTENED}) SELECT f.its_id FROM flat f LEFT JOIN u ON u.id = f.its_id WHERE u.id IS NULL`,
    ],
  },
  'ambiguous-alias': {
    broken: [
      `SELECT UPPER(s.id) AS id FROM t s WHERE id = 'A'`,
      'SELECT UPPER(id) AS id, COUNT(*) AS many FROM t GROUP BY id',
      'WITH q AS (SELECT n AS total FROM t) SELECT total + 1 AS total FROM q QUALIFY ROW_NUMBER() OVER (ORDER BY total) = 1',
    ],
    fine: [
      `SELECT UPPER(s.id) AS id FROM t s WHERE s.id = 'A'`,
      `SELECT s.id AS id FROM t s WHERE id = 'A'`,
      'SELECT UPPER(id) AS big FROM t GROUP BY big',
      'SELECT UPPER(s.id) AS id FROM t s ORDER BY id',
    ],
  },
  'try-cast-variant': {
    broken: [
      'SELECT TRY_CAST(s.body:n AS NUMBER) AS k FROM t s',
      'SELECT TRY_CAST(body AS NUMBER) AS k FROM t',
      'SELECT TRY_CAST(f.value AS NUMBER) AS k FROM t s, LATERAL FLATTEN(INPUT => s.body) f',
      'WITH q AS (SELECT PARSE_JSON(?) AS b), z AS (SELECT b:n AS inner_n FROM q) SELECT TRY_CAST(z.inner_n AS NUMBER) AS k FROM z',
    ],
    fine: [
      'SELECT TRY_CAST(s.body:n::VARCHAR AS NUMBER) AS k FROM t s',
      'SELECT TRY_CAST(id AS NUMBER) AS k FROM t',
      'SELECT s.body:n::NUMBER AS k FROM t s',
    ],
  },
  'text-as-timestamp': {
    broken: [
      `SELECT CAST('1970-01-01' AS TIMESTAMP_NTZ) AS epoch`,
      `SELECT '1970-01-01'::TIMESTAMP AS epoch`,
      `SELECT TO_TIMESTAMP_NTZ('1970-01-01') AS epoch`,
      `SELECT TO_TIMESTAMP_NTZ(s.id) AS at FROM t s`,
      `SELECT s.body:at::TIMESTAMP_NTZ AS at FROM t s`,
      `SELECT id FROM t WHERE at_ts > '2026-01-01'`,
      `SELECT s.id FROM t s JOIN u ON s.at_ts = u.id`,
      `SELECT id FROM t WHERE at_ts BETWEEN '2026-01-01' AND SYSDATE()`,
      `SELECT DATEDIFF(millisecond, '1970-01-01', SYSDATE()) AS ms`,
      `SELECT IFF(n = 1, at_ts, '2026-01-01') AS at FROM t`,
      `UPDATE t SET at_ts = '2026-01-01'`,
      `UPDATE t SET at_ts = n.k FROM (SELECT id AS k FROM u) n WHERE t.id = n.k`,
      `INSERT INTO t (id, at_ts) SELECT 'a', '2026-01-01'`,
      `INSERT INTO t (id, at_ts) VALUES ('a', '2026-01-01')`,
    ],
    fine: [
      `SELECT TO_TIMESTAMP_NTZ(0) AS epoch`,
      `SELECT TO_TIMESTAMP_NTZ('2026-01-01', 'YYYY-MM-DD') AS day`,
      `SELECT id FROM t WHERE at_ts > DATEADD(day, -1, SYSDATE())`,
      `SELECT DATEDIFF(millisecond, TO_TIMESTAMP_NTZ(0), at_ts) AS ms FROM t`,
      `SELECT CAST(NULL AS TIMESTAMP_NTZ) AS none`,
      `UPDATE t SET at_ts = SYSDATE(), id = '2026-01-01'`,
      `INSERT INTO t (at_ts, id) SELECT made_ts, id FROM u WHERE id = '2026-01-01'`,
    ],
  },
};

describeOnTestBed('the linter', () => {
  let verdicts: Verdicts;
  const pathOf = (rule: string, kind: string, at: number) => `${rule} ${kind} ${at}`;

  beforeAll(async () => {
    const texts = Object.entries(RULES).flatMap(([rule, { broken, fine }]) =>
      Object.entries({ broken, fine }).flatMap(([kind, all]) => all.map((text, at) => [pathOf(rule, kind, at), text])),
    );
    verdicts = await lint(Object.fromEntries(texts), TABLES);
  }, BED_MS);

  for (const [rule, { broken, fine }] of Object.entries(RULES)) {
    test(`refuses what breaks the rule ${rule}, and that alone`, () => {
      for (const [at, text] of broken.entries()) {
        const breaches = verdicts.breaches[pathOf(rule, 'broken', at)] ?? [];
        expect([...new Set(breaches.map((breach) => breach.split(': ')[0]))], text).toEqual([rule]);
      }
      for (const [at, text] of fine.entries())
        expect(verdicts.breaches[pathOf(rule, 'fine', at)], text).toBeUndefined();
    });
  }

  test('tells a source that may have two rows for a target from one that cannot', async () => {
    const update = (source: string): string =>
      `UPDATE t SET n = s.many FROM (${source}) s WHERE t.id = s.k AND t.n > 0`;
    const { undistinct } = await lint(
      {
        plain: update('SELECT owner AS k, 1 AS many FROM u'),
        'of the wrong column': update('SELECT DISTINCT owner AS k, made_ts AS many FROM u'),
        'one half': update(`SELECT 'a' AS k, 1 AS many UNION ALL SELECT owner, 2 FROM u`),
        'under OR': 'UPDATE t SET n = 1 FROM (SELECT DISTINCT owner AS k FROM u) s WHERE t.id = s.k OR t.n = 0',
        merged: 'MERGE INTO t USING (SELECT owner AS k FROM u) s ON t.id = s.k WHEN MATCHED THEN UPDATE SET n = 1',
        grouped: update('SELECT owner AS k, COUNT(*) AS many FROM u GROUP BY owner'),
        numbered: update(
          'SELECT owner AS k, 1 AS many FROM u QUALIFY ROW_NUMBER() OVER (PARTITION BY owner ORDER BY id) = 1',
        ),
        'through a CTE': update(
          'WITH z AS (SELECT u.*, 1 AS one FROM u QUALIFY ROW_NUMBER() OVER (PARTITION BY u.owner ORDER BY u.id) = 1) SELECT owner AS k, one AS many FROM z',
        ),
        'of no table': update(`SELECT 'a' AS k, 1 AS many`),
      },
      TABLES,
    );
    expect(Object.keys(undistinct).toSorted()).toEqual([
      'merged',
      'of the wrong column',
      'one half',
      'plain',
      'under OR',
    ]);
  });
});

describeOnTestBed('the test bed', () => {
  const { connect } = useTestBed();

  test('answers what the linter refuses with a compilation error that names the rule, each time', async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (id VARCHAR, body VARIANT, at_ts TIMESTAMP_NTZ)');
    for (const [text, rule] of [
      [`WITH q AS (SELECT 'x' AS a) UPDATE t SET id = q.a FROM q WHERE t.id = q.a`, 'with-before-change'],
      // What a column is, the emulator's catalogue tells.
      ['SELECT TRY_CAST(body AS NUMBER) AS n FROM t', 'try-cast-variant'],
      [`UPDATE t SET at_ts = '2026-01-01'`, 'text-as-timestamp'],
      ['SELECT id FROM (SELECT id FROM t LIMIT ?)', 'limit-bind'],
    ] as const) {
      for (let times = 0; times < 2; times++) {
        const refused = driver.run(text, text.includes('?') ? [1] : []);
        await expect(refused, text).rejects.toMatchObject({ code: '002031', message: expect.stringContaining(rule) });
      }
    }
    expect(await driver.run(`SELECT id FROM t WHERE at_ts > DATEADD(day, -1, SYSDATE())`)).toEqual([]);
  });
});
