import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Driver } from './driver.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

const LATE_MS = 5_000;

describeOnTestBed('late reads', { timeout: 60_000 }, () => {
  const { bed, connect, hold, options, pass } = useTestBed();
  let ada: Driver;
  let grace: Driver;

  beforeEach(async () => {
    [ada, grace] = [await connect(), await connect()];
    await ada.run('CREATE TABLE t (a NUMBER(38,0), b VARCHAR)');
    await ada.run(`INSERT INTO t (a, b) SELECT 1, 'old'`);
    bed().proxy.lateReads.draw = () => LATE_MS;
    onTestFinished(() => bed().proxy.lateReads.off());
  });

  const seenBy = async (driver: Driver, what = 't') =>
    (await driver.run(`SELECT a, b FROM ${what} ORDER BY a, b`)).map(({ A, B }) => `${A} ${B}`);
  const set = (driver: Driver, a: number, b: string) => driver.run(`UPDATE t SET b = '${b}' WHERE a = ${a}`);

  test('show a session its own changes at once, and those of others once they are old enough', async () => {
    await ada.run(`INSERT INTO t (a, b) SELECT 2, 'new'`);
    await set(ada, 1, 'changed');
    expect(await seenBy(ada)).toEqual(['1 changed', '2 new']);
    expect(await seenBy(grace)).toEqual(['1 old']);
    pass(LATE_MS + 1);
    expect(await seenBy(grace)).toEqual(['1 changed', '2 new']);
  });

  test('show what others have deleted until that is old enough', async () => {
    await ada.run('DELETE FROM t WHERE a = 1');
    expect(await seenBy(ada)).toEqual([]);
    expect(await seenBy(grace)).toEqual(['1 old']);
    pass(LATE_MS + 1);
    expect(await seenBy(grace)).toEqual([]);
  });

  test('hide a row that came and went unseen', async () => {
    await ada.run(`INSERT INTO t (a, b) SELECT 2, 'new'`);
    await ada.run('DELETE FROM t WHERE a = 2');
    expect(await seenBy(grace)).toEqual(['1 old']);
  });

  test('show what others did to a row before one changed it oneself, and not what they did since', async () => {
    await set(ada, 1, 'first');
    await grace.run(`UPDATE t SET b = b || ', second' WHERE a = 1`);
    expect(await seenBy(grace)).toEqual(['1 first, second']);
    expect(await seenBy(ada)).toEqual(['1 first']);
    await set(ada, 1, 'third');
    expect(await seenBy(grace)).toEqual(['1 first, second']);
    expect(await seenBy(ada)).toEqual(['1 third']);
    pass(LATE_MS + 1);
    expect(await seenBy(grace)).toEqual(['1 third']);
  });

  test('judge each row by itself', async () => {
    await ada.run(`INSERT INTO t (a, b) SELECT 2, 'new'`);
    pass(LATE_MS + 1);
    await set(ada, 2, 'newer');
    expect(await seenBy(grace)).toEqual(['1 old', '2 new']);
  });

  test('keep the rows fresh that an UPDATE or a DELETE may change', async () => {
    await set(ada, 1, 'changed');
    const [updated] = await grace.run(`UPDATE t SET b = 'again' WHERE a = 1 AND b = 'old'`);
    expect(updated).toMatchObject({ 'number of rows updated': 0 });
    const [deleted] = await grace.run(`DELETE FROM t WHERE a = 1 AND b = 'old'`);
    expect(deleted).toMatchObject({ 'number of rows deleted': 0 });
    const [found] = await grace.run(`UPDATE t SET b = 'again' WHERE a = 1 AND b = 'changed'`);
    expect(found).toMatchObject({ 'number of rows updated': 1 });
  });

  test('apply to the source of an INSERT, an UPDATE and a DELETE', async () => {
    await ada.run(`INSERT INTO t (a, b) SELECT 2, 'new'`);
    const insert = 'INSERT INTO t (a, b) SELECT s.a + 10, s.b FROM t s WHERE s.a < 10';
    const update = `UPDATE t SET b = t.b || '!' FROM (SELECT s.a FROM t s) n WHERE t.a = n.a`;
    const remove = 'DELETE FROM t USING (SELECT s.a AS its_a FROM t s) n WHERE a = n.its_a';
    expect(await grace.run(insert)).toMatchObject([{ 'number of rows inserted': 1 }]);
    expect(await grace.run(update)).toMatchObject([{ 'number of rows updated': 2 }]);
    expect(await grace.run(remove)).toMatchObject([{ 'number of rows deleted': 2 }]);
    expect(await seenBy(ada)).toEqual(['1 old', '2 new']);
    pass(LATE_MS + 1);
    expect(await seenBy(ada)).toEqual(['2 new']);
  });

  test('find tables under aliases, whole names, their own names and in expressions of their names', async () => {
    await ada.run(`INSERT INTO t (a, b) SELECT 2, 'new'`);
    const { database, schema } = options();
    for (const from of [
      ...['t x', `"${database}"."${schema}"."T"`, `${schema}.t`, '(SELECT * FROM t)'],
      '(WITH t AS (SELECT * FROM t) SELECT * FROM t)',
    ]) {
      expect(await seenBy(grace, from), from).toEqual(from.includes('WITH') ? expect.anything() : ['1 old']);
    }
    expect(await grace.run('SELECT t.a FROM t JOIN t u ON u.a = t.a')).toEqual([{ A: 1 }]);
    expect(await grace.run('SELECT COUNT(*) AS n FROM t')).toEqual([{ N: 1 }]);
  });

  test('add no column that a statement can see', async () => {
    expect(await grace.run('SELECT * FROM t')).toEqual([{ A: 1, B: 'old' }]);
    await grace.run(`INSERT INTO t SELECT 2, 'two'`);
    await grace.run(`INSERT INTO t VALUES (3, 'three')`);
    bed().proxy.lateReads.off();
    expect(await grace.run('SELECT * FROM t ORDER BY a')).toEqual([
      ...[
        { A: 1, B: 'old' },
        { A: 2, B: 'two' },
      ],
      { A: 3, B: 'three' },
    ]);
  });

  test('leave the token of changes and the clock fresh', async () => {
    const { database, schema } = options();
    const token = async () =>
      (await grace.run(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('${database}.${schema}.T')::VARCHAR AS n`))[0]!['N'];
    const before = await token();
    await set(ada, 1, 'changed');
    expect(await token()).not.toBe(before);
    expect(await seenBy(grace)).toEqual(['1 old']);
    const now = async () => ((await grace.run('SELECT SYSDATE() AS now_ts'))[0]!['NOW_TS'] as Date).getTime();
    const early = await now();
    pass(3_600_000);
    expect(await now()).toBeGreaterThanOrEqual(early + 3_600_000);
  });

  test('take a session that logs in anew for another', async () => {
    await set(ada, 1, 'changed');
    bed().proxy.sessions.put('expired');
    expect(await seenBy(ada), 'a token that is renewed is of the same session').toEqual(['1 changed']);
    const anew = await connect();
    expect(await seenBy(anew)).toEqual(['1 old']);
  });

  test('are drawn for each statement by itself', async () => {
    await set(ada, 1, 'changed');
    bed().proxy.lateReads.draw = ({ text }) => (text.includes('late') ? LATE_MS : 0);
    expect(await grace.run('SELECT b AS late FROM t')).toEqual([{ LATE: 'old' }]);
    expect(await grace.run('SELECT b AS soon FROM t')).toEqual([{ SOON: 'changed' }]);
  });

  test('come by chance: up to so late, and now and then later', async () => {
    const drawn = [0.5, 0.4, 0.005, 0.99, 0.999];
    bed().proxy.lateReads.between({ mostMs: 1_000, tailMs: 9_000, tailRate: 0.01, random: () => drawn.shift()! });
    const draw = () => bed().proxy.lateReads.draw!(undefined!, undefined!);
    expect([draw(), draw(), draw()]).toEqual([400, 9_000, 999]);
  });

  test('are off again at once', async () => {
    await set(ada, 1, 'changed');
    bed().proxy.lateReads.off();
    expect(await seenBy(grace)).toEqual(['1 changed']);
    bed().proxy.lateReads.draw = () => LATE_MS;
    expect(await seenBy(grace), 'and what was there when they are turned on again is old').toEqual(['1 changed']);
    await set(ada, 1, 'late again');
    expect(await seenBy(grace)).toEqual(['1 changed']);
  });

  test('work with a statement that runs twice, whether or not its second run sees the first', async () => {
    const insert = `INSERT INTO t (a, b) SELECT 2, 'double' FROM (SELECT COUNT(*) AS n FROM t WHERE a = 2) WHERE n = 0`;
    bed().proxy.faults.inject({ kind: 'rerun' }, { kinds: ['insert'] });
    await ada.run(insert);
    expect(await seenBy(ada)).toEqual(['1 old', '2 double', '2 double']);
    expect(await seenBy(grace)).toEqual(['1 old']);
    bed().proxy.faults.inject({ kind: 'twice' }, { kinds: ['update'] });
    bed().proxy.faults.inject({ kind: 'rerun' }, { kinds: ['update'] });
    await ada.run(`UPDATE t SET b = b || '!' WHERE a = 1`);
    await ada.run(`UPDATE t SET b = b || '?' WHERE a = 1`);
    expect(await seenBy(ada)).toEqual(['1 old!??', '2 double', '2 double']);
    expect(await seenBy(grace)).toEqual(['1 old']);
  });

  test('count a change from when it is made, not from when it was sent', async () => {
    const release = await hold('T');
    const changed = set(ada, 1, 'landed');
    await expect.poll(() => bed().proxy.locks.waiting()).toBe(1);
    pass(LATE_MS + 1);
    release();
    await changed;
    expect(await seenBy(grace)).toEqual(['1 old']);
  });

  test('leave the errors as they are', async () => {
    await ada.run('ALTER SESSION SET ERROR_ON_NONDETERMINISTIC_UPDATE = TRUE');
    const doubled = `UPDATE t SET b = n.c FROM (SELECT 1 AS d, 'x' AS c UNION ALL SELECT 1, 'y') n WHERE t.a = n.d`;
    await expect(ada.run(doubled)).rejects.toMatchObject({ code: '100090' });
    await expect(ada.run('SELECT c FROM t')).rejects.toMatchObject({ code: '000904' });
    await expect(ada.run('SELECT FROM FROM t')).rejects.toMatchObject({ code: '001003' });
    await expect(ada.run('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '002003' });
    expect(await seenBy(ada)).toEqual(['1 old']);
  });

  test('begin anew when a table is altered or made again: all of it is old then', async () => {
    await set(ada, 1, 'changed');
    await ada.run('ALTER TABLE t ADD COLUMN c VARCHAR');
    expect(await grace.run('SELECT * FROM t')).toEqual([{ A: 1, B: 'changed', C: null }]);
    await set(ada, 1, 'late again');
    expect(await seenBy(grace)).toEqual(['1 changed']);
    await ada.run('DROP TABLE t');
    await ada.run('CREATE TABLE t (a NUMBER(38,0), b VARCHAR)');
    expect(await seenBy(grace)).toEqual([]);
  });

  test('follow many changes of one row', async () => {
    for (let i = 0; i < 20; i++) await set(i % 2 === 0 ? ada : grace, 1, `${i}`);
    expect([await seenBy(ada), await seenBy(grace)]).toEqual([['1 18'], ['1 19']]);
    pass(LATE_MS + 1);
    expect([await seenBy(ada), await seenBy(grace)]).toEqual([['1 19'], ['1 19']]);
  });
});
