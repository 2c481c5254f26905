/** The warehouse suspends when it is idle, and its running time is billed. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Driver } from './driver.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

const MINUTE = 1 / 60;

describeOnTestBed('suspension', () => {
  // A second of the warehouse is 2 ms here, so that it suspends after 120 ms.
  const { bed, connect } = useTestBed({ suspension: { secondMs: 2, autoSuspendSeconds: 60 } });
  let driver: Driver;

  beforeEach(async () => {
    driver = await connect();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    bed().proxy.suspension.suspend();
  });

  test('a statement that the services layer answers does not resume it', async () => {
    const { suspension } = bed().proxy;
    const before = { resumes: suspension.resumes, credits: suspension.credits };
    await driver.run(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('t') AS token`);
    await driver.run('SELECT COUNT(*) FROM t');
    await driver.run('SHOW TABLES');
    await driver.run('SELECT CURRENT_WAREHOUSE() AS w');
    await driver.run('ALTER SESSION SET LOCK_TIMEOUT = 1');
    await driver.run('CREATE TABLE u (n NUMBER(38, 0))');
    expect(suspension.state).toBe('suspended');
    expect({ resumes: suspension.resumes, credits: suspension.credits }).toEqual(before);
    expect(bed().meter.report().free).toBe(7);
  });

  test('a statement that computes resumes it for a minute at least; idle, it suspends again', async () => {
    const { suspension } = bed().proxy;
    const { resumes, credits } = suspension;
    suspension.configure({ autoSuspendSeconds: 6_000 }); // until it has been looked at
    onTestFinished(() => suspension.configure({ autoSuspendSeconds: 60 }));
    await driver.run('SELECT n FROM t');
    expect(suspension.state).toBe('running');
    suspension.configure({ autoSuspendSeconds: 60 });
    await expect.poll(() => suspension.state).toBe('suspended');
    expect(suspension.resumes).toBe(resumes + 1);
    // It ran for a little, and then idle for the 60 s of its auto-suspend.
    expect(suspension.credits - credits).toBeGreaterThanOrEqual(MINUTE);
    await driver.run('INSERT INTO t SELECT 1');
    suspension.suspend();
    expect(suspension.resumes).toBe(resumes + 2);
    expect(suspension.credits - credits).toBeGreaterThanOrEqual(2 * MINUTE);
  });

  test('a resume takes time, once for all statements that wait for it', async () => {
    const { suspension } = bed().proxy;
    const { resumes } = suspension;
    suspension.configure({ resumeMs: 200 });
    onTestFinished(() => suspension.configure({ resumeMs: 0 }));
    const other = await connect();
    const start = performance.now();
    await Promise.all([driver.run('SELECT n FROM t'), other.run('SELECT n FROM t')]);
    expect(performance.now() - start).toBeGreaterThan(195);
    expect(suspension.resumes).toBe(resumes + 1);
  });

  test('a statement that is cancelled during a resume stops neither the resume nor the others', async () => {
    const { suspension, meter } = bed().proxy;
    const { resumes } = suspension;
    suspension.configure({ autoSuspendSeconds: 6_000 });
    onTestFinished(() => suspension.configure({ autoSuspendSeconds: 60 }));
    const other = await connect();
    const wake = suspension.holdResume();
    onTestFinished(wake);
    const first = driver.start('SELECT n FROM t');
    const second = other.run('SELECT n FROM t');
    await expect.poll(() => suspension.waiting).toBe(2);
    first.statement.cancel(() => {});
    await expect(first.rows).rejects.toMatchObject({ code: '000604' });
    expect(suspension).toMatchObject({ state: 'suspended', waiting: 1 });
    wake();
    expect(await second).toEqual([]);
    expect(suspension.resumes).toBe(resumes + 1);
    expect(meter.report().failed).toEqual({ '000604': 1 });

    // No statement waits for it any more: it resumes all the same.
    suspension.suspend();
    const wakeAgain = suspension.holdResume();
    onTestFinished(wakeAgain);
    const given = driver.start('SELECT n FROM t');
    await expect.poll(() => suspension.resumes).toBe(resumes + 2);
    given.statement.cancel(() => {});
    await expect(given.rows).rejects.toMatchObject({ code: '000604' });
    expect(suspension).toMatchObject({ state: 'suspended', waiting: 0 });
    wakeAgain();
    expect(suspension.state).toBe('running');
    expect(suspension.resumes).toBe(resumes + 2);
  });

  test('a warehouse that cannot resume', async () => {
    const { suspension } = bed().proxy;
    suspension.configure({ resumable: false });
    onTestFinished(() => suspension.configure({ resumable: true }));
    await expect(driver.run('SELECT n FROM t')).rejects.toMatchObject({ code: '090073', sqlState: '22000' });
    await driver.run('SELECT COUNT(*) FROM t');
  });
});
