/** Every fault, as the user of the driver sees it. The driver repeats a request after 1 to 3 s. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Driver } from './driver.js';
import { Faults, type Aim, type Fault } from './faults.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';
import { refusals } from './wire-replies.js';

describeOnTestBed('faults', () => {
  const { bed, connect } = useTestBed();
  let driver: Driver;

  beforeEach(async () => {
    driver = await connect();
    await driver.run('CREATE TABLE t (id VARCHAR)');
    bed().meter.reset();
  });

  const inject = (fault: Fault, aim?: Aim) => bed().proxy.faults.inject(fault, aim);
  const ids = async () => (await driver.run('SELECT id FROM t ORDER BY id')).map(({ ID }) => ID as string);
  /** How often the statement reached the emulator. */
  const runs = (text: string) => bed().meter.readings.filter((reading) => reading.text.includes(text)).length;
  /** Inserts `id` by a connection of its own. */
  const insert = async (id: string, by?: Driver) => (by ?? (await connect())).run(`INSERT INTO t SELECT '${id}'`);
  /** Until when a late statement is to wait, and what ends that; it ends with the test too. */
  const landing = () => {
    let land!: () => void;
    const until = new Promise<void>((resolve) => (land = resolve));
    onTestFinished(land);
    return { until, land };
  };
  /**
   * What ends the driver's wait for what is never answered, and tells what came of it: its connection is cut, and the
   * driver sends it again. It ends with the test too.
   */
  const unanswered = (given: Promise<unknown>) => {
    const settled = Promise.allSettled([given]);
    let cut = false;
    const end = async () => {
      if (!cut) bed().proxy.cut();
      cut = true;
      return (await settled)[0];
    };
    onTestFinished(async () => void (await end()));
    return end;
  };
  const insertUnder = (fault: Fault, id: string) => {
    inject(fault, { text: new RegExp(`'${id}'`) });
    return insert(id);
  };

  test('a request that is held runs when it is let go; an answer that is held has run before', async () => {
    const { until, land } = landing();
    inject({ kind: 'held', what: 'request', until }, { text: /INSERT/, binds: /"request"/ });
    inject({ kind: 'held', what: 'answer', until }, { text: /INSERT/, binds: /"answer"/ });
    const answered: string[] = [];
    const held = ['request', 'answer', 'neither'].map(async (id) => {
      await (await connect()).run('INSERT INTO t SELECT ?', [id]);
      answered.push(id);
    });
    await expect.poll(ids, { timeout: 60_000 }).toEqual(['answer', 'neither']);
    await expect.poll(() => answered, { timeout: 60_000 }).toEqual(['neither']);
    land();
    await Promise.all(held);
    expect(await ids()).toEqual(['answer', 'neither', 'request']);
  });

  test('429 and 503 storms, cut connections and lost replies: the driver repeats them, and each runs once', async () => {
    const cases = {
      throttled: insertUnder({ kind: 'status', status: 429 }, 'throttled'),
      unavailable: insertUnder({ kind: 'status', status: 503 }, 'unavailable'),
      cut: insertUnder({ kind: 'cut' }, 'cut'),
      lost: insertUnder({ kind: 'lost' }, 'lost'),
      late: insertUnder({ kind: 'late', afterMs: 100 }, 'late'),
    };
    await Promise.all(Object.values(cases));
    expect(await ids()).toEqual(Object.keys(cases).sort());
    for (const id of Object.keys(cases)) expect(runs(`'${id}'`), id).toBe(1);
    expect(Object.fromEntries(bed().proxy.faults.happened)).toMatchObject({ status: 2, cut: 1, lost: 1, late: 1 });
  });

  test('a reply is lost while the statement still runs: the driver waits for the first, and it runs once', async () => {
    bed().proxy.latency.configure({ statements: { insert: 2_500 } });
    onTestFinished(() => bed().proxy.latency.configure({ statements: {} }));
    await insertUnder({ kind: 'lost' }, 'a');
    expect(runs(`'a'`)).toBe(1);
    expect(await ids()).toEqual(['a']);
  });

  test('a statement lands late, after its client has given up and sent another', async () => {
    const { until, land } = landing();
    inject({ kind: 'late', until, unanswered: true }, { text: /'late'/ });
    const given = driver.run(`INSERT INTO t SELECT 'late'`); // its client looks at it no more
    const end = unanswered(given);
    const other = await connect();
    await other.run(`INSERT INTO t SELECT 'other'`);
    expect(await other.run('SELECT id FROM t')).toEqual([{ ID: 'other' }]);
    land();
    await expect.poll(() => runs(`'late'`)).toBe(1);
    expect(await other.run('SELECT id FROM t ORDER BY id')).toEqual([{ ID: 'late' }, { ID: 'other' }]);
    expect(await end()).toMatchObject({ status: 'fulfilled' }); // the driver itself does not give up
    expect(runs(`'late'`)).toBe(1);
  });

  test('a request delivered twice runs once, for its requestId', async () => {
    await insertUnder({ kind: 'twice' }, 'a');
    expect(await ids()).toEqual(['a']);
  });

  test('a statement that runs twice leaves two rows', async () => {
    await insertUnder({ kind: 'rerun' }, 'a');
    expect(await ids()).toEqual(['a', 'a']);
  });

  test('an INSERT that runs twice makes two rows also where it looks for the first; others see what was before', async () => {
    const { proxy } = bed();
    const unlessThere = `INSERT INTO t SELECT n.id FROM (SELECT ? AS id) n LEFT JOIN t o ON o.id = n.id WHERE o.id IS NULL`;
    const token = async () => (await driver.run(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('t') AS n`))[0]!['N'] as number;
    const [before, sessions] = [await token(), proxy.sessions.all.length];
    inject({ kind: 'rerun' });
    expect(await driver.run(unlessThere, ['a'])).toEqual([{ 'number of rows inserted': 1 }]);
    expect(await ids()).toEqual(['a', 'a']);
    expect(await token()).toBeGreaterThan(before);
    expect(await driver.run(unlessThere, ['a'])).toEqual([{ 'number of rows inserted': 0 }]);
    expect(proxy.sessions.all).toHaveLength(sessions);

    inject({ kind: 'rerun' });
    const update = await driver.run(`UPDATE t SET id = 'b' WHERE id = 'a'`);
    expect(update[0]).toMatchObject({ 'number of rows updated': 0 });
    inject({ kind: 'rerun' });
    await expect(driver.run('INSERT INTO nowhere SELECT 1')).rejects.toMatchObject({ code: '002003' });

    await driver.run('BEGIN');
    inject({ kind: 'rerun' });
    await driver.run(unlessThere, ['c']);
    await driver.run('ROLLBACK');
    expect(await ids()).toEqual(['b', 'b']);
  });

  test('asynchronous replies: in progress, and the result from its URL', async () => {
    const start = performance.now();
    await insertUnder({ kind: 'slow', ms: 200 }, 'a');
    expect(performance.now() - start).toBeGreaterThan(195);
    inject({ kind: 'slow', ms: 10 }, { kinds: ['select'] });
    expect(await ids()).toEqual(['a']);
    inject({ kind: 'slow', ms: 10 });
    await expect(driver.run('SELECT nothing FROM t')).rejects.toMatchObject({ code: '000904' });
  });

  test("a request that is never answered ends at the driver's own time-out", async () => {
    const acceleratedRuntime = await connect({ timeout: 200 });
    inject({ kind: 'hang' }, { text: /'a'/ });
    await acceleratedRuntime.run(`INSERT INTO t SELECT 'a'`);
    expect(await ids()).toEqual(['a']);
  });

  test('any refusal', async () => {
    inject({ kind: 'refused', refusal: refusals.tooManyWaiters('T', 20) }, { kinds: ['update'] });
    expect(await ids()).toEqual([]);
    const update = driver.run(`UPDATE t SET id = 'b'`);
    await expect(update).rejects.toMatchObject({ code: '000625', sqlState: '57014' });
    inject({ kind: 'refused', refusal: refusals.noPrivilege('table', 'T') });
    await expect(driver.run('SELECT 1')).rejects.toMatchObject({ code: '003001', sqlState: '42501' });
    expect(await driver.run('SELECT 1 AS one')).toEqual([{ ONE: 1 }]);
  });

  test('faults hit what they are aimed at, as often as configured, or at random', async () => {
    const { faults } = bed().proxy;
    const refused: Fault = { kind: 'refused', refusal: refusals.cancelled() };
    inject(refused, { tag: 'theirs', times: Infinity });
    expect(await ids()).toEqual([]);
    await driver.run(`ALTER SESSION SET QUERY_TAG = 'theirs'`);
    await expect(ids()).rejects.toMatchObject({ code: '000604' });
    faults.clear();

    const chances = [0.04, 0.06, 0.01];
    faults.random = () => chances.shift()!;
    onTestFinished(() => void (faults.random = Math.random));
    inject(refused, { rate: 0.05, kinds: ['select'] });
    await expect(ids()).rejects.toMatchObject({ code: '000604' });
    expect(await ids()).toEqual([]);
    await expect(ids()).rejects.toMatchObject({ code: '000604' });
  });

  test('faults with a rate share one draw, come as storms, and are counted by name', () => {
    const faults = new Faults();
    faults.random = () => chances.shift()!;
    const chances = [0.05, 0.15, 0.25, 0.25, 0.25, 0.15, 0.25];
    faults.inject({ kind: 'cut' }, { rate: 0.1 });
    faults.inject({ kind: 'status', status: 503 }, { rate: 0.1, inARow: 3, name: 'storm' });
    const taken = Array.from({ length: 7 }, () => faults.take({ route: 'query' })?.kind);
    expect(taken).toEqual(['cut', 'status', 'status', 'status', undefined, 'status', 'status']);
    expect(Object.fromEntries(faults.happened)).toEqual({ cut: 1, storm: 5 });
  });

  test('a statement that is not answered lands late, even after its session has ended', async () => {
    const { proxy } = bed();
    const [other, acceleratedRuntime] = [await connect(), await connect()];
    const { until, land } = landing();
    inject({ kind: 'late', until, unanswered: true }, { text: /'adrift'/ });
    const sessions = proxy.sessions.all.length;
    const given = acceleratedRuntime.run(`INSERT INTO t SELECT 'adrift'`);
    const end = unanswered(given);
    // Else the logout, which comes over another connection, may overtake it.
    await expect.poll(() => proxy.faults.happened.get('late')).toBe(1);
    const closed = acceleratedRuntime.close();
    await expect.poll(() => proxy.sessions.all.length).toBe(sessions - 1);
    expect(await other.run('SELECT id FROM t')).toEqual([]);
    land();
    await closed;
    expect(await other.run('SELECT id FROM t')).toEqual([{ ID: 'adrift' }]);
    expect(await end()).toMatchObject({ status: 'rejected' });
    expect(runs(`'adrift'`)).toBe(1);
  });

  test('no network: the driver cannot connect, and goes on when there is one again', async () => {
    const { proxy } = bed();
    onTestFinished(() => void (proxy.reachable = true));
    const before = proxy.refused;
    proxy.reachable = false;
    const inserted = insert('a', driver);
    // Its first try ends with the connection that it had, its next is refused.
    await expect.poll(() => proxy.refused, { timeout: 10_000 }).toBeGreaterThan(before);
    proxy.reachable = true;
    await inserted;
    expect(await ids()).toEqual(['a']);
  });

  const cancel = ({ statement }: ReturnType<Driver['start']>) =>
    new Promise<unknown>((resolve) => statement.cancel((error) => resolve(error?.code)));
  /** Keeps the emulator busy for minutes, or until the test ends; the table must have a row. */
  const startLong = () => {
    const given = driver.start('SELECT COUNT(*) AS n FROM t a CROSS JOIN range(1000000000000) b');
    given.rows.catch(() => {}); // its caller gets the error
    onTestFinished(async () => void (await cancel(given)));
    return given;
  };

  test('cancel: while it waits, while it runs, and too late', async () => {
    const { proxy } = bed();

    await driver.run(`INSERT INTO t SELECT 'b'`);
    proxy.latency.configure({ statements: { insert: 60_000 } });
    onTestFinished(() => proxy.latency.configure({ statements: {} }));
    const waiting = driver.start(`INSERT INTO t SELECT 'a'`);
    await expect.poll(() => proxy.slots.busy).toBe(1);
    const [rejected] = await Promise.allSettled([waiting.rows, cancel(waiting)]);
    expect(rejected).toMatchObject({ status: 'rejected', reason: { code: '000604', sqlState: '57014' } });
    expect(proxy.slots.busy).toBe(0);

    const heavy = startLong();
    await expect.poll(() => proxy.slots.busy).toBe(1);
    const [interrupted] = await Promise.allSettled([heavy.rows, cancel(heavy)]);
    expect(interrupted).toMatchObject({ status: 'rejected', reason: { code: '000604', sqlState: '57014' } });
    expect(proxy.slots.busy).toBe(0);

    expect(await ids()).toEqual(['b']);
    const quick = driver.start('SELECT 1');
    await quick.rows;
    expect(await cancel(quick)).toBe('000605');
  });

  test('cancel ends what it names, also where its session runs something else before it', async () => {
    const { slots } = bed().proxy;
    await driver.run(`INSERT INTO t SELECT 'a'`);
    const first = startLong();
    await expect.poll(() => slots.busy).toBe(1);
    const second = startLong();
    const rows = Promise.allSettled([first.rows, second.rows]);
    await expect.poll(() => slots.busy).toBe(2);
    expect(await cancel(second)).toBeUndefined();
    const hit = first.rows.then(String, String);
    const unhurt = new Promise((resolve) => setTimeout(resolve, 100, 'unhurt'));
    expect(await Promise.race([hit, unhurt])).toBe('unhurt');
    expect(await cancel(first)).toBeUndefined();
    const cancelled = { status: 'rejected', reason: { code: '000604' } };
    expect(await rows).toMatchObject([cancelled, cancelled]);
    expect(await ids()).toEqual(['a']);
  });
});
