/** A session, and each trap of the driver, provoked through the driver itself. */
import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { loadDriver, type Driver } from '../../../src/store/snowflake/session/driver.js';
import { DriverError, isBusy } from '../../../src/store/snowflake/session/driver-error.js';
import { written } from '../../../src/store/snowflake/rows.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals } from '../../support/warehouse/wire-replies.js';
import { noting, useStores } from './support/stores.js';

const ONE = 'SELECT 1 AS one';

/** A driver whose statements succeed, but throw when their columns are read. */
async function withBrokenColumns(thrown: Error): Promise<Driver> {
  const driver = await loadDriver();
  return {
    createConnection(options) {
      const connection = driver.createConnection(options);
      const execute = connection.execute.bind(connection);
      connection.execute = ({ complete, ...rest }) =>
        execute({
          ...rest,
          complete: (error, statement, rows) => {
            statement.getColumns = () => {
              throw thrown;
            };
            complete!(error, statement, rows);
          },
        });
      return connection;
    },
  };
}

describeOnTestBed('a session', () => {
  const { bed, session, byHand } = useStores();

  const sessions = () => bed().proxy.sessions.all.length;
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'it went through',
      (error: unknown) => error,
    );

  test('starts with its own settings: tag, time zone, limited waits, and no statement that outlives its client', async () => {
    await session().run(ONE);
    expect(Object.fromEntries(bed().proxy.sessions.all.at(-1)!.parameters)).toMatchObject({
      QUERY_TAG: 'fleet-q',
      TIMEZONE: 'UTC',
      LOCK_TIMEOUT: '45',
      AUTOCOMMIT: 'TRUE',
      STATEMENT_TIMEOUT_IN_SECONDS: '60',
      STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: '60',
      ABORT_DETACHED_QUERY: 'TRUE',
      ERROR_ON_NONDETERMINISTIC_UPDATE: 'TRUE',
    });
  });

  test('goes on after the driver has renewed its expired token (390112)', async () => {
    const one = session();
    await one.run(ONE);
    const before = sessions();
    bed().proxy.faults.inject({ kind: 'expired' });
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
    expect(sessions()).toBe(before);
  });

  for (const [trap, fault] of [
    ['that has ended (390111, after which the driver answers 407002 permanently)', 'gone'],
    ['that nobody knows (HTTP 401 with 390104, whereupon isUp() lies)', 'invalid'],
  ] as const) {
    test(`${trap} is replaced by a new one, and the statement runs there`, async () => {
      const one = session();
      await one.run(ONE);
      const old = bed().proxy.sessions.all.at(-1)!;
      bed().proxy.faults.inject({ kind: fault }, { text: /AS one/ });
      expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
      expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
      expect(bed().proxy.sessions.all.at(-1)!.id).not.toBe(old.id);
    });
  }

  test('gives up a statement at its deadline, cancels it, and runs the next one on a new connection', async () => {
    const one = session();
    await one.run(ONE);
    const old = bed().proxy.sessions.all.at(-1)!;
    one.shortenDeadline(2_000);
    const { latency } = bed().proxy;
    latency.configure({ statements: { select: 60_000 } });
    onTestFinished(() => latency.configure({ statements: {} }));
    const driver = await byHand();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    const { database, schema } = bed().proxy.sessions.all.at(-1)!;
    const started = performance.now();
    const error = await failure(one.run(`SELECT n FROM ${database}.${schema}.t`));
    latency.configure({ statements: {} });
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      ...{ code: 'STORE_UNAVAILABLE', transient: true },
      message: expect.stringMatching(/a statement did not answer within 2000 ms/),
    });
    expect(performance.now() - started).toBeLessThan(5 * 2_000);
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
    expect(bed().proxy.sessions.all.at(-1)!.id).not.toBe(old.id);
    await expect.poll(() => bed().meter.report().failed['000604'], { timeout: 5_000 }).toBe(1);
  });

  test('gives up a statement that is never answered', async () => {
    const { faults } = bed().proxy;
    const one = session();
    await one.run(ONE);
    one.shortenDeadline(2_000);
    faults.inject({ kind: 'hang' }, { text: /AS hung/ });
    expect(await failure(one.run('SELECT 1 AS hung'))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
  });

  test('sends a statement again if its request failed, under the same request id, so that it runs once', async () => {
    const [one, driver] = [session(), await byHand()];
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    const { database, schema } = bed().proxy.sessions.all.at(-1)!;
    const { faults } = bed().proxy;
    // Its first run is answered with the loss of the connection, the next two tries with HTTP 503.
    faults.inject({ kind: 'lost' }, { kinds: ['insert'] });
    faults.inject({ kind: 'status', status: 503 }, { kinds: ['insert'], times: 2 });
    await one.run(`INSERT INTO ${database}.${schema}.t SELECT 1`);
    expect(Object.fromEntries(faults.happened)).toEqual({ lost: 1, status: 2 });
    expect(await driver.run('SELECT COUNT(*) AS n FROM t')).toEqual([{ N: 1 }]);
  });

  test('turns a throw of `execute` into a rejection, and goes on', async () => {
    const one = session();
    for (const bind of [1n, () => 1, Symbol('x')]) {
      expect(await failure(one.run('SELECT ? AS one', bind as never))).toBeInstanceOf(DriverError);
    }
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
  });

  test('lets nothing throw inside the callback of the driver', async () => {
    const escaped: unknown[] = [];
    const caught = (error: unknown): void => void escaped.push(error);
    process.on('uncaughtException', caught);
    onTestFinished(() => void process.off('uncaughtException', caught));
    const thrown = new Error('of a column');
    const one = session({ driver: () => withBrokenColumns(thrown), deadlineMs: 2_000 });
    const error = await failure(one.run(ONE, undefined, { described: true }));
    expect(error).toBeInstanceOf(DriverError);
    expect(error).toMatchObject({ message: 'of a column' });
    await expect(one.run('SELECT nothing FROM nowhere')).rejects.toBeInstanceOf(DriverError);
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
    expect(escaped).toEqual([]);
  });

  test("knows the server's codes, which are text, and the driver's own, which are numbers", async () => {
    const one = session();
    bed().proxy.faults.inject({ kind: 'refused', refusal: refusals.tooManyWaiters('T', 20) }, { text: /AS one/ });
    const busy = await failure(one.run(ONE));
    expect(busy).toMatchObject({ code: '000625', sqlState: '57014' });
    expect(isBusy(busy)).toBe(true);
    const unbound = await failure(one.run('SELECT ? AS one', (() => 1) as never));
    expect(unbound).toMatchObject({ code: '409008' });
    expect(isBusy(unbound)).toBe(false);
  });

  test('counts written rows by the column of their verb, not by the sum of all columns', async () => {
    const [one, driver] = [session(), await byHand()];
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    const { database, schema } = bed().proxy.sessions.all.at(-1)!;
    expect(written(await one.run(`INSERT INTO ${database}.${schema}.t SELECT 1 UNION ALL SELECT 2`), 'inserted')).toBe(
      2,
    );
    const rows = await one.run(`UPDATE ${database}.${schema}.t SET n = 3`);
    expect(Object.keys(rows[0]!)).toHaveLength(2);
    expect(written(rows, 'updated')).toBe(2);
  });

  test('reads rows in its own shape, whatever the connection options say', async () => {
    const shapes = [{ streamResult: true }, { rowMode: 'array' }, { fetchAsString: ['Number'] }] as const;
    for (const shape of shapes) {
      const one = session({ source: { ...bed().connection, ...shape } as never });
      expect(await one.run('SELECT 1 AS one, NULL::NUMBER AS none')).toEqual([{ ONE: 1, NONE: null }]);
    }
  });

  test('runs one statement at a time', async () => {
    const one = session();
    await one.run(ONE);
    bed().proxy.latency.configure({ networkMs: 60 });
    onTestFinished(() => bed().proxy.latency.configure({ networkMs: 0 }));
    const started = performance.now();
    await Promise.all([one.run(ONE), one.run(ONE), one.run(ONE)]);
    expect(performance.now() - started).toBeGreaterThan(180);
  });

  test('waits for a slow answer (333333 and the URL of the result)', async () => {
    const one = session();
    await one.run(ONE);
    bed().proxy.faults.inject({ kind: 'slow', ms: 100 }, { text: /AS one/ });
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
  });

  test('runs a statement once, if its reply was lost or its request delivered twice', async () => {
    const [one, driver] = [session(), await byHand()];
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    const { database, schema } = bed().proxy.sessions.all.at(-1)!;
    bed().proxy.faults.inject({ kind: 'lost' }, { kinds: ['insert'] });
    await one.run(`INSERT INTO ${database}.${schema}.t SELECT 1`);
    bed().proxy.faults.inject({ kind: 'twice' }, { kinds: ['insert'] });
    await one.run(`INSERT INTO ${database}.${schema}.t SELECT 2`);
    expect(await driver.run('SELECT COUNT(*) AS n FROM t')).toEqual([{ N: 2 }]);
  });

  test('pauses longer after each failed login, up to a limit, and recovers by itself', async () => {
    const delays: number[] = [];
    const one = session({
      runtime: noting(delays),
      deadlineMs: 60_000,
      longestPauseMs: 600,
      source: () => ({ ...bed().connection, password: right ? 'snow' : 'wrong-secret' }),
    });
    let right = false;
    for (let i = 0; i < 5; i++) expect(await failure(one.run(ONE))).toMatchObject({ code: 'STORE_LOGIN_REFUSED' });
    const pauses = delays.filter((delay) => delay < 60_000);
    expect(pauses).toHaveLength(4);
    expect(pauses[3]!).toBeGreaterThan(pauses[0]!);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(600);
    right = true;
    expect(await one.run(ONE)).toEqual([{ ONE: 1 }]);
  });

  test('calls the `connection` function for each login, so that secrets can rotate', async () => {
    let asked = 0;
    const one = session({ source: () => Promise.resolve({ ...bed().connection, application: `A${++asked}` }) });
    await one.run(ONE);
    bed().proxy.faults.inject({ kind: 'gone' }, { text: /AS one/ });
    await one.run(ONE);
    expect(asked).toBe(2);
  });

  test('logs out when it is closed, and then runs nothing', async () => {
    const one = session({ runtime: systemRuntime });
    await one.run(ONE);
    const before = sessions();
    await one.close();
    expect(sessions()).toBe(before - 1);
    expect(await failure(one.run(ONE))).toMatchObject({ code: 'STORE_CLOSED' });
  });
});
