/** UPDATEs and DELETEs that read their source as of their start, and the rows that they change as these are now. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Driver } from './driver.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

/** Claims the first step that its source shows as pending. */
const CLAIM = `UPDATE t SET status = ?, version = version + 1
  FROM (SELECT s.id AS its_id, s.version AS was FROM t s WHERE s.status = 'pending' ORDER BY s.id LIMIT 1) n
  WHERE id = n.its_id`;
const FENCED = `${CLAIM} AND version = n.was`;

describeOnTestBed('old sources', { timeout: 60_000 }, () => {
  const { bed, connect, hold } = useTestBed({ oldSources: true });
  let ada: Driver;
  let grace: Driver;

  beforeEach(async () => {
    [ada, grace] = [await connect(), await connect()];
    await ada.run('CREATE TABLE t (id VARCHAR, status VARCHAR, version NUMBER(38, 0))');
    await ada.run(`INSERT INTO t (id, status, version) SELECT 'a', 'pending', 0 UNION ALL SELECT 'b', 'pending', 0`);
    onTestFinished(() => {
      bed().proxy.lateReads.oldSources = true;
      bed().proxy.lateReads.off();
    });
  });

  const waiting = (count: number) => expect.poll(() => bed().proxy.locks.waiting()).toBe(count);
  const updated = ([row]: readonly object[]) => Object.values(row!)[0] as number;
  const table = async () =>
    (await ada.run('SELECT id, status, version FROM t ORDER BY id')).map((row) => Object.values(row).join(' '));

  /** Runs the statement in two sessions, of which both have begun before either gets the table. */
  async function atOnce(sql: string): Promise<number[]> {
    const release = await hold('T');
    const first = ada.run(sql, ['ada']);
    await waiting(1);
    const second = grace.run(sql, ['grace']);
    await waiting(2);
    release();
    return [updated(await first), updated(await second)];
  }

  test('two UPDATEs claim the same step, and change it once, because the fence is on the target', async () => {
    expect(await atOnce(FENCED)).toEqual([1, 0]);
    expect(await table()).toEqual(['a ada 1', 'b pending 0']);
  });

  test('without that fence the second one changes it again', async () => {
    expect(await atOnce(CLAIM)).toEqual([1, 1]);
    expect(await table()).toEqual(['a grace 2', 'b pending 0']);
  });

  test('with fresh sources the second one finds the next step', async () => {
    bed().proxy.lateReads.oldSources = false;
    expect(await atOnce(FENCED)).toEqual([1, 1]);
    expect(await table()).toEqual(['a ada 1', 'b grace 1']);
  });

  test('a source shows all that was there at the start, and nothing that came since, of any session or table', async () => {
    await ada.run('CREATE TABLE other (id VARCHAR)');
    await ada.run(`INSERT INTO other (id) SELECT 'a'`);
    const release = await hold('T');
    const update = grace.run(
      `UPDATE t SET status = 'seen' FROM (SELECT o.id AS its_id FROM other o) n WHERE id = n.its_id`,
    );
    await waiting(1);
    await ada.run(`INSERT INTO other (id) SELECT 'b'`);
    release();
    expect(updated(await update)).toBe(1);
    expect(await table()).toEqual(['a seen 0', 'b pending 0']);
  });

  test('an UPDATE right after a change sees that', async () => {
    for (let i = 1; i <= 20; i++) {
      await ada.run('UPDATE t SET version = ? WHERE id = ?', [i, 'a']);
      const sql = `UPDATE t SET version = n.v FROM (SELECT s.version AS v FROM t s WHERE s.id = 'a') n WHERE id = 'b'`;
      await (i % 2 === 0 ? ada : grace).run(sql);
      expect(await table()).toEqual([`a pending ${i}`, `b pending ${i}`]);
    }
  });

  test('a DELETE reads an old source too', async () => {
    const remove = 'DELETE FROM t USING (SELECT s.id AS its_id FROM t s) n WHERE id = n.its_id';
    const release = await hold('T');
    const removed = grace.run(remove);
    await waiting(1);
    await ada.run(`INSERT INTO t (id, status, version) SELECT 'c', 'pending', 0`);
    release();
    await removed;
    expect(await table()).toEqual(['c pending 0']);
  });

  test('a SELECT and an INSERT see what is there', async () => {
    await grace.run(`UPDATE t SET status = 'changed' WHERE id = 'a'`);
    await ada.run(`INSERT INTO t (id, status, version) SELECT s.status, 'copied', 0 FROM t s WHERE s.id = 'a'`);
    expect(await table()).toEqual(['a changed 0', 'b pending 0', 'changed copied 0']);
  });

  test('an old source can be late as well', async () => {
    bed().proxy.lateReads.draw = () => 60_000;
    await ada.run(`UPDATE t SET status = 'done', version = 1 WHERE id = 'a'`);
    expect(updated(await grace.run(FENCED, ['grace'])), 'its source shows the step of before').toBe(0);
    expect(updated(await ada.run(FENCED, ['ada'])), 'its own change is no late one').toBe(1);
    bed().proxy.lateReads.off();
    expect(await table()).toEqual(['a done 1', 'b ada 1']);
  });
});
