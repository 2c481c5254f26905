/** The check of a real account, run against the test bed, so that it works on the day on which somebody has an account. */
import { beforeEach, expect, test } from 'vitest';
import { describeOnTestBed } from '../support/warehouse/suite.js';
import type { TestConnection } from '../support/warehouse/test-bed.js';
import { useTestBed } from '../support/warehouse/use-test-bed.js';
import { checkAccount, CheckError, type CheckOptions } from './check.js';
import { conformanceOf, type ConformancePlace } from './conformance/run.js';
import type { Measurement } from './measurement.js';
import { MEASUREMENTS } from './measurements/index.js';
import { exitCodeOf, markdownOf, type LiveReport } from './report.js';
import { changing, playingWarehouse } from './support/played-warehouse.js';
import type { Connect, LiveSession } from './session.js';

const PASSWORD = 'correct-horse-battery';
const NAMES = ['acme_secret', 'jane_doe', 'FLEET_Q_WH', 'FLEET_Q_ROLE', '127.0.0.1', PASSWORD];

describeOnTestBed('the check of an account', { timeout: 120_000 }, () => {
  const account = { password: PASSWORD, name: 'acme_secret', user: 'jane_doe' };
  const { bed, connect, options } = useTestBed({ account });
  beforeEach(() => {
    const { slots, latency, catalogue, suspension, lateReads } = bed().proxy;
    slots.configure({ count: 8, heldWhileLocked: true });
    latency.configure({ statements: {} });
    suspension.configure({ resumable: true });
    suspension.suspend();
    catalogue.reset();
    lateReads.off();
  });

  const target = () => {
    const connection = bed().connection;
    return { connection, database: options().database!, maxCredits: 2, maxMinutes: 60 };
  };
  const check = (over: Partial<CheckOptions> = {}): Promise<LiveReport> =>
    checkAccount({
      target: target(),
      measurements: MEASUREMENTS,
      groups: [],
      mayAlterWarehouse: true,
      runConformance: () => Promise.reject(new Error('not asked for')),
      signal: new AbortController().signal,
      log: () => {},
      connectWith: (session: Connect) => playingWarehouse(session, bed().proxy),
      ...over,
    });
  const only = (...names: string[]) => MEASUREMENTS.filter(({ name }) => names.includes(name));
  const answerOf = (report: LiveReport, name: string) => report.results.find((result) => result.name === name)!;
  const schemas = async (): Promise<string[]> => {
    const rows = await (await connect()).run(`SHOW SCHEMAS IN DATABASE ${options().database!}`);
    return rows.map((row) => String(row['name'])).filter((name) => name.startsWith('FLEET_Q_LIVE_'));
  };

  test('answers every question on the test bed as the library assumes, and leaves no schema', async () => {
    const { latency } = bed().proxy;
    latency.configure({ statements: { select: 50, insert: 20, update: 20 } });
    const report = await check();
    const differing = report.results.filter(({ verdict }) => verdict !== 'as assumed');
    expect(differing.map(({ name, verdict, answer }) => `${name}: ${verdict}: ${answer}`)).toEqual([
      'poll-cost: unanswered: QUERY_HISTORY does not show these statements (yet).', // the test bed has no such view
    ]);
    expect(answerOf(report, 'statements-at-once').figures['slots']).toBe(8);
    expect(answerOf(report, 'waiting-update-slot').answer).toBe('Yes.');
    expect(answerOf(report, 'no-warehouse').answer).toBe('Both need none: the warehouse stayed suspended.');
    expect(answerOf(report, 'lock-timeout').evidence[0]).toMatch(/^code 000625, state 57014: /);
    expect(answerOf(report, 'no-resume').evidence[0]).toMatch(/^code 090073, state 22000: /);
    expect(report).toMatchObject({ interrupted: false, schemaDropped: true });
    expect(exitCodeOf(report)).toBe(0);
    expect(await schemas()).toEqual([]);
    // Nothing in the report names the account, its users, its objects or a secret.
    const published = markdownOf(report) + JSON.stringify(report);
    for (const name of [...NAMES, options().database!])
      expect(published.toLowerCase()).not.toContain(name.toLowerCase());
  });

  test('counts the UPDATEs that are refused because too many wait', async () => {
    bed().proxy.slots.configure({ count: 64 });
    const report = await check({ measurements: only('update-waiters', 'waiting-update-slot') });
    const { figures, evidence, verdict } = answerOf(report, 'update-waiters');
    expect({ figures, verdict }).toEqual({ figures: { waited: 26, refused: 6 }, verdict: 'as assumed' });
    expect(evidence[0]).toMatch(/^code 000625, state 57014: .*exceeds the 20 statements limit/);
    expect(answerOf(report, 'waiting-update-slot').answer).toBe('No.');
  });

  test('sees how late a session reads the commits of another', async () => {
    bed().proxy.lateReads.draw = () => 400;
    const report = await check({ measurements: only('late-reads', 'late-target') });
    expect(answerOf(report, 'late-reads').figures['latestMs']).toBeGreaterThan(100);
    expect(answerOf(report, 'late-target').verdict).toBe('as assumed');
  });

  test.each([
    ['lost-updates', ['lost-updates', 'slot-time']],
    ['late-target', ['late-target', 'slot-time']],
  ])('refuses an account on which updates are lost, and measures nothing after %s', async (first, names) => {
    // The warehouse forgets the guard on the version.
    const losing = (session: Connect) => changing(session, (sql) => sql.replace(' AND t.version = 1', ''));
    const report = await check({ measurements: only(...names), connectWith: losing, groups: ['fence'] });
    expect(answerOf(report, first).verdict).toBe('fatal');
    expect(answerOf(report, 'slot-time').answer).toBe('left out: refused');
    expect(report.conformance).toEqual({ leftOut: 'refused' });
    expect(exitCodeOf(report)).toBe(1);
    expect(markdownOf(report)).toContain('**REFUSED: do not run fleet-q on this account.');
    expect(await schemas()).toEqual([]);
  });

  test('says what differs, and exits with 1', async () => {
    // Polls without a token: a warehouse is used to answer them.
    const waking = (session: Connect) =>
      changing(session, (sql) => sql.replace(/^SELECT COUNT\(\*\) AS row_count FROM (\S+)$/, 'SELECT id FROM $1'));
    const connectWith = (session: Connect) => waking(playingWarehouse(session, bed().proxy));
    const report = await check({ measurements: only('no-warehouse'), connectWith });
    expect(answerOf(report, 'no-warehouse')).toMatchObject({
      verdict: 'differs',
      answer: 'The warehouse was STARTED afterwards.',
    });
    expect(exitCodeOf(report)).toBe(1);
  });

  test('starts nothing that does not fit into the budget, and names what was left out', async () => {
    const maxMinutes = 3.5; // lost-updates takes 3 at most
    const slow = MEASUREMENTS.find(({ name }) => name === 'range-join')!;
    const measurements = [...only('late-target'), slow, ...only('lock-timeout')].map((one) =>
      one === slow ? { ...slow, minutes: 4 } : one,
    );
    const report = await check({ target: { ...target(), maxMinutes }, measurements, groups: ['fence'] });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(['as assumed', 'left out', 'left out']);
    expect(report.conformance).toEqual({ leftOut: 'budget' });
    expect(report.budget.reached).toBe(true);
    expect(exitCodeOf(report)).toBe(3);
    expect(markdownOf(report)).toContain('| range-join | left out | left out: budget |');
  });

  test('creates nothing if the credits do not pay for one resume of the warehouse', async () => {
    const report = await check({ target: { ...target(), maxCredits: 0.01 } });
    expect(report.results.every(({ verdict }) => verdict === 'left out')).toBe(true);
    expect(exitCodeOf(report)).toBe(3);
    expect(bed().proxy.suspension.state).toBe('suspended');
  });

  test('ends a measurement that takes longer than the budget lasts, and drops the schema', async () => {
    let session: LiveSession | undefined;
    let ending: Promise<void> | undefined;
    const endless: Measurement = {
      ...{ name: 'endless', question: '', assumed: '', minutes: 0 },
      run: async (live) => {
        [session] = await live.sessions(1);
        const run = async (): Promise<never> => {
          for (;;) await session!.run('SELECT 1 AS one');
        };
        const running = run();
        ending = running.catch(() => {});
        return running;
      },
    };
    const report = await check({ target: { ...target(), maxMinutes: 0.02 }, measurements: [endless] });
    expect(answerOf(report, 'endless').answer).toBe('left out: budget');
    await ending;
    await expect(session!.run('SELECT 1 AS one')).rejects.toThrow('The session is closed.');
    expect(exitCodeOf(report)).toBe(3);
    expect(await schemas()).toEqual([]);
  });

  test('turns AUTO_RESUME on again if it is interrupted while it is off', async () => {
    const interrupt = new AbortController();
    const sent: string[] = [];
    const watching = (session: Connect) =>
      changing(playingWarehouse(session, bed().proxy), (sql) => {
        if (sql.startsWith('ALTER WAREHOUSE')) sent.push(sql.replace(/^ALTER WAREHOUSE \S+ /, ''));
        if (sql.endsWith('SUSPEND')) interrupt.abort();
        return sql;
      });
    const report = await check({ measurements: only('no-resume'), connectWith: watching, signal: interrupt.signal });
    expect(sent).toEqual(['SET AUTO_RESUME = FALSE', 'SUSPEND', 'SET AUTO_RESUME = TRUE']);
    expect(exitCodeOf(report)).toBe(130);
    expect(await schemas()).toEqual([]);
  });

  test('changes no warehouse without the flag', async () => {
    const sent: string[] = [];
    const watching = (session: Connect) =>
      changing(session, (sql) => {
        sent.push(sql);
        return sql;
      });
    const report = await check({
      mayAlterWarehouse: false,
      measurements: only('no-resume', 'no-warehouse'),
      connectWith: watching,
    });
    expect(answerOf(report, 'no-resume')).toMatchObject({ verdict: 'unanswered' });
    expect(sent.filter((sql) => sql.includes('WAREHOUSE') && !/^(SHOW|SELECT)/.test(sql))).toEqual([]);
  });

  test('says how to drop the schema by hand if it cannot be dropped', async () => {
    const lines: string[] = [];
    const refusing = (session: Connect) => changing(session, (sql) => sql.replace(/^DROP SCHEMA.*$/, 'DROP NONSENSE'));
    const report = await check({ measurements: [], connectWith: refusing, log: (line) => lines.push(line) });
    expect(report.schemaDropped).toBe(false);
    const [name] = await schemas();
    expect(lines.join('\n')).toContain(`DROP SCHEMA IF EXISTS "${options().database!}"."${name!}";`);
    await (await connect()).run(`DROP SCHEMA ${name!}`);
  });

  test('reports a measurement that fails, goes on, and drops the schema', async () => {
    const failing: Measurement = {
      ...{ name: 'failing', question: '', assumed: '', minutes: 0 },
      run: () => Promise.reject(new Error('no such thing')),
    };
    const report = await check({ measurements: [failing, ...only('not-null-check')] });
    expect(report.results.map(({ verdict, answer }) => [verdict, answer])).toEqual([
      ['failed', 'no such thing'],
      ['as assumed', 'Yes.'],
    ]);
    expect(exitCodeOf(report)).toBe(1);
    expect(await schemas()).toEqual([]);
  });

  test.each([
    ['the password is wrong', { password: 'wrong' }, /^The sign-in failed: Incorrect username or password/],
    ['the warehouse is unknown', { warehouse: 'NONE' }, /^The session has no warehouse/],
  ])('says so if %s', async (_, over, message) => {
    const connection = { ...bed().connection, ...over };
    const failed = check({ target: { ...target(), connection } });
    await expect(failed).rejects.toThrow(CheckError);
    await expect(failed).rejects.toThrow(message);
  });

  test('refuses a warehouse whose price it does not know', async () => {
    bed().proxy.catalogue.configure({ size: 'Adaptive' });
    await expect(check()).rejects.toThrow('so no budget can be kept: its size is Adaptive.');
  });

  test('runs the conformance suite in a process of its own, and counts', async () => {
    const { connection, database } = target();
    const env = {
      ...process.env,
      ...variablesOf(connection),
      FLEET_Q_LIVE_DATABASE: database,
    };
    const places: ConformancePlace[] = [];
    const run = conformanceOf(env);
    const report = await check({
      measurements: [],
      groups: ['open and close'],
      runConformance: (groups, place, signal) => {
        places.push(place);
        return run(groups, place, signal);
      },
    });
    expect(report.conformance).toMatchObject({ failed: 0, complete: true, groups: ['open and close'] });
    expect('passed' in report.conformance && report.conformance.passed).toBeGreaterThan(1);
    expect(places[0]).toMatchObject({ database, staleReadMs: 500 });
    expect(exitCodeOf(report)).toBe(0);
    expect(await schemas()).toEqual([]);
  });
});

function variablesOf({
  account,
  username,
  password,
  warehouse,
  role,
  accessUrl,
}: TestConnection): Record<string, string> {
  return {
    ...{ FLEET_Q_LIVE_ACCOUNT: account, FLEET_Q_LIVE_USER: username, FLEET_Q_LIVE_PASSWORD: password },
    ...{ FLEET_Q_LIVE_WAREHOUSE: warehouse, FLEET_Q_LIVE_ROLE: role, FLEET_Q_LIVE_ACCESS_URL: accessUrl },
  };
}
