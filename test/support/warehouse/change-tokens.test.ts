/** Change tokens: what they are without a fault, and with each of the faults. */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Changes, type ChangeFault } from './change-tokens.js';
import type { Driver } from './driver.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

describe('change tokens', () => {
  let nowMs: number;
  let changes: Changes;

  beforeEach(() => {
    nowMs = 1_000;
    changes = new Changes(() => nowMs);
    changes.note('t');
  });

  /** How many ms after 0 the token says that the table changed. */
  const moved = (table = 't') => Number(changes.of(table)) / 1e6;

  test('a token rises with each change, also if the clock stands still, and only that of the table', () => {
    const other = changes.of('other');
    const first = moved();
    expect(moved()).toBe(first);
    changes.note('t');
    expect(moved()).toBe(first + 1);
    nowMs = 5_000;
    changes.note('t');
    expect(moved()).toBe(5_000);
    expect(changes.of('other')).toBe(other);
  });

  test('late: a token moves so long after its change, through each change on the way', () => {
    changes.fault = 'late';
    changes.faultMs = 300;
    nowMs = 2_000;
    const before = moved();
    changes.note('t');
    nowMs = 2_200;
    changes.note('t');
    nowMs = 2_299;
    expect(moved()).toBe(before);
    nowMs = 2_300;
    expect(moved()).toBe(2_000);
    changes.note('t'); // forgets what is not needed any more
    expect(moved()).toBe(2_000);
    nowMs = 2_500;
    expect(moved()).toBe(2_200);
    nowMs = 9_000;
    expect(moved()).toBe(2_300);
  });

  test('early: a token moves when its change begins, and not again', () => {
    changes.fault = 'early';
    changes.faultMs = 300;
    nowMs = 2_000;
    expect(changes.announce('t')).toBe(300);
    expect(moved()).toBe(2_000);
    nowMs = 2_300;
    changes.note('t');
    expect(moved()).toBe(2_000);
    expect(changes.announce('t')).toBe(300);
    expect(moved()).toBe(2_301); // above the change
  });

  test('a change need not wait unless tokens are early', () => {
    for (const fault of [undefined, 'late', 'frozen', 'flapping'] as const) {
      changes.fault = fault;
      const before = changes.version('t');
      expect(changes.announce('t')).toBe(0);
      expect(changes.version('t')).toBe(before);
    }
  });

  test('frozen: no token moves, until they thaw', () => {
    changes.fault = 'frozen';
    const before = [changes.of('t'), changes.of('new')];
    nowMs = 2_000;
    changes.note('t');
    changes.note('new');
    expect([changes.of('t'), changes.of('new')]).toEqual(before);
    changes.fault = undefined;
    expect([moved(), moved('new')]).toEqual([2_000, 2_000]);
  });

  test('flapping: two answers in a row never agree, without a change', () => {
    changes.fault = 'flapping';
    const answers = Array.from({ length: 6 }, () => changes.of('t'));
    expect(answers.slice(1).filter((answer, i) => answer === answers[i])).toEqual([]);
  });

  test.each<ChangeFault>(['late', 'early', 'frozen', 'flapping'])('%s: the version is right', (fault) => {
    changes.fault = fault;
    const before = changes.version('t');
    expect(changes.version('t')).toBe(before);
    changes.announce('t');
    expect(changes.version('t')).toBe(before);
    changes.note('t');
    expect(BigInt(changes.version('t'))).toBeGreaterThan(BigInt(before));
  });
});

describeOnTestBed('change tokens of the test bed', () => {
  const { bed, connect } = useTestBed();
  let driver: Driver;

  beforeEach(async () => {
    driver = await connect();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    await driver.run('INSERT INTO t SELECT 0');
    onTestFinished(() => {
      bed().proxy.changes.fault = undefined;
      bed().proxy.changes.faultMs = 500;
    });
  });

  const asked = async (sql: string) => Object.values((await driver.run(sql))[0]!)[0] as number;
  const token = () => asked(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('t') AS token`);
  const rows = () => asked('SELECT COUNT(*) AS n FROM t');
  const change = () => driver.run('INSERT INTO t SELECT 1');

  test('late: the change is read before the token moves', async () => {
    const before = await token();
    Object.assign(bed().proxy.changes, { fault: 'late', faultMs: 1_500 });
    await change();
    expect([await rows(), await token()]).toEqual([2, before]);
    await expect.poll(token, { timeout: 20_000 }).toBeGreaterThan(before);
  });

  test('early: the token moves before the change can be read', async () => {
    const before = await token();
    Object.assign(bed().proxy.changes, { fault: 'early', faultMs: 1_500 });
    const running = (await connect()).run('INSERT INTO t SELECT 1');
    await expect.poll(token, { interval: 20 }).toBeGreaterThan(before);
    const moved = await token();
    expect(await rows()).toBe(1);
    await running;
    expect([await rows(), await token()]).toEqual([2, moved]);
  });

  test.each<ChangeFault>(['frozen', 'flapping'])('%s: row counts are right', async (fault) => {
    bed().proxy.changes.fault = fault;
    const [before, again] = [await token(), await token()];
    expect(before === again).toBe(fault === 'frozen');
    await change();
    expect(await rows()).toBe(2);
    expect((await token()) === again).toBe(fault === 'frozen');
  });

  test('without the form that the proxy answers itself, the fault is the same', async () => {
    const other = () => asked(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('t') AS token, 1 AS one`);
    bed().proxy.changes.fault = 'frozen';
    const before = await other();
    await change();
    expect(await other()).toBe(before);
    bed().proxy.changes.fault = undefined;
    expect(await other()).toBeGreaterThan(before);
  });
});
