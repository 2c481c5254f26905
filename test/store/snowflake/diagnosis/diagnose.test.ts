/** What a diagnosis finds of an account, a warehouse and the tables, on the test bed. */
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Finding, Store } from '../../../../src/store/contract.js';
import { signIn } from '../../../../src/store/snowflake/diagnosis/connection-checks.js';
import type { SnowflakeConnection } from '../../../../src/store/snowflake/options.js';
import { newSteps } from '../../../conformance/harness.js';
import { describeOnTestBed } from '../../../support/warehouse/suite.js';
import { refusals } from '../../../support/warehouse/wire-replies.js';
import { joined, useStores } from '../support/stores.js';

type Findings = ReadonlyMap<string, Finding>;

async function findingsOf(store: Store): Promise<Findings> {
  const { findings } = await store.diagnose();
  return new Map(findings.map((finding) => [finding.check, finding]));
}

const containing = (text: string): string => expect.stringContaining(text) as string;

describeOnTestBed('a diagnosis of Snowflake', { timeout: 60_000 }, () => {
  const { bed, make, open, byHand, place, options, pass, hold } = useStores();
  beforeEach(() => {
    bed().proxy.catalogue.reset();
    bed().proxy.account.configure({ parameters: {} });
  });

  const configured = (over: Parameters<ReturnType<typeof bed>['proxy']['catalogue']['configure']>[0]) =>
    bed().proxy.catalogue.configure(over);
  const tableOf = (name: string) => `"${place().database}"."${place().schema}"."${name}"`;

  test('finds nothing wrong but the password with tables that an open store uses, and reads counts and fleet', async () => {
    configured({ accountParameters: { READ_CONSISTENCY_MODE: 'SESSION', ALLOW_BIND_VALUES_ACCESS: 'false' } });
    const store = await open();
    await store.submit(newSteps(3));
    const pod = await joined(store);
    const { findings, counts, pods } = await store.diagnose();
    expect(findings.filter(({ level }) => level !== 'ok').map(({ check }) => check)).toEqual(['sign-in']);
    expect(findings.map(({ check }) => check)).toEqual([
      ...['connection', 'sign-in', 'role', 'clock', 'session-parameters', 'read-consistency', 'bind-values'],
      'server-version',
      ...['warehouse', 'warehouse-size', 'auto-suspend', 'warehouse-load', 'resource-monitor', 'warehouse-timeouts'],
      ...['warehouse-suspends', 'cost-last-day', 'schema-version', 'collation', 'table-kind', 'time-travel'],
      ...['change-tracking', 'hot-table-size', 'grants-schema-info', 'grants-step-tracker', 'grants-step-archive'],
      ...['grants-exchange-request', 'grants-pod-log'],
    ]);
    expect(counts?.byStatus.pending).toBe(3);
    expect(pods?.map((view) => view.pod)).toEqual([pod]);
  });

  test('creates no tables, and says that there are none', async () => {
    const findings = await findingsOf(await make());
    expect(findings.get('schema-version')).toMatchObject({ level: 'warning', message: containing('no tables yet') });
    expect(findings.has('time-travel')).toBe(false);
    const { database, schema } = place();
    expect(await (await byHand()).run(`SHOW TABLES IN SCHEMA "${database}"."${schema}"`)).toEqual([]);
    expect((await findingsOf(await make({ createTables: false }))).get('schema-version')?.level).toBe('failure');
  });

  test('sends no statement that creates, migrates, inserts or changes rows', async () => {
    await open();
    bed().meter.reset();
    await findingsOf(await make());
    const rows = bed().meter.readings.filter(({ kind }) => ['insert', 'update', 'delete', 'merge'].includes(kind));
    expect(rows.map(({ rows: changed }) => changed)).toEqual(rows.map(() => 0));
    expect(bed().meter.readings.filter(({ kind }) => kind === 'definition')).toEqual([]);
  });

  describe('the connection', () => {
    test('is one failure if the login is refused, with the advice of its code', async () => {
      const { findings, counts } = await (await make({ connection: { ...options(), password: 'wrong' } })).diagnose();
      expect(findings).toMatchObject([
        {
          check: 'connection',
          level: 'failure',
          message: containing('STORE_LOGIN_REFUSED'),
          advice: containing('credentials'),
        },
      ]);
      expect(counts).toBeUndefined();
    });

    test('warns of a role that may do everything', async () => {
      bed().proxy.account.configure({ roles: ['PUBLIC', 'ACCOUNTADMIN', 'FLEET_Q_ROLE'] });
      const store = await make({ connection: { ...options(), role: 'ACCOUNTADMIN' } });
      expect((await findingsOf(store)).get('role')).toMatchObject({
        level: 'warning',
        message: containing('ACCOUNTADMIN'),
      });
    });

    test('warns of a clock that is seconds off, and fails if it is over a minute', async () => {
      pass(20_000);
      expect((await findingsOf(await make())).get('clock')).toMatchObject({
        level: 'warning',
        message: containing('behind'),
      });
      pass(100_000);
      expect((await findingsOf(await make())).get('clock')?.level).toBe('failure');
    });

    test('keeps its own parameters, whatever the account has set', async () => {
      bed().proxy.account.configure({ parameters: { TIMEZONE: 'America/New_York', LOCK_TIMEOUT: '43200' } });
      expect((await findingsOf(await make())).get('session-parameters')).toMatchObject({ level: 'ok' });
    });

    test('fails if a session has other parameters than fleet-q sets', async () => {
      const store = await make();
      // As a login script of the account would, it sets the time zone again after the session's first statement.
      const { sessions } = bed().proxy;
      const timer = setInterval(() => sessions.all.forEach((one) => one.parameters.set('TIMEZONE', 'Asia/Tokyo')), 1);
      onTestFinished(() => clearInterval(timer));
      expect((await findingsOf(store)).get('session-parameters')).toMatchObject({
        ...{ level: 'failure', message: containing('TIMEZONE is Asia/Tokyo, not UTC') },
      });
    });

    test('warns if reads may be late, and staleReadMs says that they are not', async () => {
      expect((await findingsOf(await make({ staleReadMs: 0 }))).get('read-consistency')?.level).toBe('warning');
      configured({ accountParameters: { READ_CONSISTENCY_MODE: 'GLOBAL' } });
      expect((await findingsOf(await make({ staleReadMs: 0 }))).get('read-consistency')?.level).toBe('ok');
      configured({ accountParameters: {} });
      expect((await findingsOf(await make())).get('read-consistency')?.message).toContain('not shown to this role');
    });

    test('warns while other roles can read args and results', async () => {
      expect((await findingsOf(await make())).get('bind-values')).toMatchObject({
        ...{ level: 'warning', message: containing('MONITOR or OPERATE'), advice: containing('= FALSE') },
      });
      configured({ accountParameters: { ALLOW_BIND_VALUES_ACCESS: 'false' } });
      expect((await findingsOf(await make())).get('bind-values')).toMatchObject({
        level: 'ok',
        message: containing('off'),
      });
      configured({ accountParameters: {} });
      expect((await findingsOf(await make())).get('bind-values')).toMatchObject({
        ...{ level: 'ok', message: containing('not shown to this role') },
      });
    });
  });

  describe('the warehouse', () => {
    test.each<[check: string, over: object, level: string, message: string]>([
      ['warehouse-size', { size: 'X-Large' }, 'warning', 'X-Large'],
      ['warehouse-size', { type: 'SNOWPARK-OPTIMIZED' }, 'warning', 'park-optimized'],
      ['auto-suspend', { autoSuspend: null }, 'warning', 'AUTO_SUSPEND is off'],
      ['auto-suspend', { autoSuspend: 0 }, 'warning', 'AUTO_SUSPEND is off'],
      ['auto-suspend', { autoSuspend: 600 }, 'warning', '600 s'],
      ['warehouse', { autoResume: false }, 'failure', 'does not resume'],
      ['warehouse-load', { running: 8, queued: 3 }, 'warning', '3 wait'],
      ['resource-monitor', { resourceMonitor: 'LIMIT' }, 'ok', 'LIMIT'],
      ['warehouse-timeouts', { warehouseParameters: { STATEMENT_TIMEOUT_IN_SECONDS: '30' } }, 'warning', '30 s'],
      ['warehouse-size', { shown: false }, 'ok', 'Not shown to this role'],
    ])('%s, if it is %o', async (check, over, level, message) => {
      configured(over);
      expect((await findingsOf(await make())).get(check)).toMatchObject({ level, message: containing(message) });
    });

    test('and the role are quoted in the statements that an advice shows', async () => {
      const { account } = bed().proxy;
      const { roles, warehouses } = account.options;
      onTestFinished(() => account.configure({ roles, warehouses }));
      account.configure({ roles: ['my "own" role'], warehouses: ['my-warehouse'] });
      configured({ autoResume: false, autoSuspend: 0 });
      const connection = { ...options(), role: '"my ""own"" role"', warehouse: '"my-warehouse"' };
      const findings = await findingsOf(await make({ connection }));
      expect(findings.get('warehouse')?.advice).toBe('ALTER WAREHOUSE "my-warehouse" SET AUTO_RESUME = TRUE');
      expect(findings.get('auto-suspend')?.advice).toBe('ALTER WAREHOUSE "my-warehouse" SET AUTO_SUSPEND = 60');
      expect(findings.get('cost-last-day')?.message).toMatch(/TO ROLE "my ""own"" role"$/);
    });

    test('is a failure if the session has none', async () => {
      const findings = await findingsOf(await make({ connection: { ...options(), warehouse: 'NONE' } }));
      expect(findings.get('warehouse')).toMatchObject({ level: 'failure', message: containing('STORE_NO_WAREHOUSE') });
      expect(findings.has('auto-suspend')).toBe(false);
    });

    test('is not examined in the views of the account if the role may not read them', async () => {
      const findings = await findingsOf(await make());
      for (const check of ['warehouse-suspends', 'cost-last-day'])
        expect(findings.get(check)).toMatchObject({ level: 'ok', message: containing('GRANT DATABASE ROLE') });
    });

    test('warns if it was billed all day and never suspended', async () => {
      configured({ usage: true, suspends: 0, billedHours: 24 });
      expect((await findingsOf(await make())).get('warehouse-suspends')).toMatchObject({
        ...{ level: 'warning', message: containing('suspended 0 times, and billed in 24 of 24 hours: 24 credits') },
      });
      configured({ usage: true, suspends: 12, billedHours: 6 });
      expect((await findingsOf(await make())).get('warehouse-suspends')).toMatchObject({
        ...{ level: 'ok', message: containing('suspended 12 times') },
      });
    });

    test('says what the statements with the tag of the queue cost, and warns above a day of X-Small', async () => {
      configured({ usage: true, creditsByTag: { 'fleet-q': 0.25, other: 100 } });
      expect((await findingsOf(await make())).get('cost-last-day')).toMatchObject({
        ...{ level: 'ok', message: containing('0.25 credits in the last day, for 1 statements') },
      });
      expect((await findingsOf(await make({ queryTag: 'other' }))).get('cost-last-day')?.level).toBe('warning');
    });
  });

  describe('the tables', () => {
    test.each<[check: string, change: (table: (name: string) => string) => string, level: string, message: string]>([
      [
        'grants-step-tracker',
        (table) => `ALTER TABLE ${table('STEP_TRACKER')} DROP COLUMN result`,
        'failure',
        'column RESULT is missing',
      ],
      [
        'time-travel',
        (table) => `ALTER TABLE ${table('STEP_TRACKER')} SET DATA_RETENTION_TIME_IN_DAYS = 7`,
        'warning',
        '7 days for STEP_TRACKER',
      ],
      [
        'change-tracking',
        (table) => `ALTER TABLE ${table('STEP_ARCHIVE')} SET CHANGE_TRACKING = TRUE`,
        'warning',
        'STEP_ARCHIVE',
      ],
    ])('%s', async (check, change, level, message) => {
      const store = await open();
      await (await byHand()).run(change(tableOf));
      expect((await findingsOf(store)).get(check)).toMatchObject({ level, message: containing(message) });
    });

    test('are named as they are called, with their prefix', async () => {
      const tablePrefix = 'OWN_';
      const store = await open({ tablePrefix });
      for (const change of ['DATA_RETENTION_TIME_IN_DAYS = 7', 'CHANGE_TRACKING = TRUE'])
        await (await byHand()).run(`ALTER TABLE ${tableOf('OWN_STEP_ARCHIVE')} SET ${change}`);
      const findings = await findingsOf(store);
      expect(findings.get('time-travel')?.message).toBe('It is on: 7 days for OWN_STEP_ARCHIVE.');
      expect(findings.get('change-tracking')).toMatchObject({
        ...{ message: 'change tracking is on for OWN_STEP_ARCHIVE.' },
        advice: 'Turn it off, and read OWN_STEP_ARCHIVE instead of OWN_STEP_TRACKER.',
      });
      expect(findings.get('hot-table-size')?.message).toBe('OWN_STEP_TRACKER has 0 rows.');
      const others = await findingsOf(await make({ tablePrefix, tableKind: 'permanent' }));
      expect(others.get('table-kind')?.message).toContain('OWN_POD_LOG is transient');
    });

    test('fail if a newer version has migrated them', async () => {
      const store = await open();
      await (
        await byHand()
      ).run(`INSERT INTO ${tableOf('SCHEMA_INFO')} (version, oldest_allowed, at_ts) SELECT 99, 99, SYSDATE()`);
      expect((await findingsOf(store)).get('schema-version')).toMatchObject({
        level: 'failure',
        advice: containing('Update'),
      });
    });

    test('are to be migrated if they are of an older version, by a pod or by an administrator', async () => {
      await open();
      await (await byHand()).run(`UPDATE ${tableOf('SCHEMA_INFO')} SET version = 1`);
      for (const createTables of [true, false])
        expect((await findingsOf(await make({ createTables }))).get('schema-version')).toMatchObject({
          ...{ level: 'warning', message: containing('Version 1;') },
          advice: expect.stringMatching(/first pod .*createTables.* fleet-q ddl/) as string,
        });
    });

    test('fail if they are of another kind than tableKind says', async () => {
      await open();
      const findings = await findingsOf(await make({ tableKind: 'permanent' }));
      expect(findings.get('table-kind')).toMatchObject({ level: 'failure', message: containing('STORE_TABLE_KIND') });
    });

    test('fail if a privilege is missing, and name it; the other tables are still examined', async () => {
      const store = await open();
      const refusal = refusals.noPrivilege('table', 'STEP_ARCHIVE');
      bed().proxy.faults.inject({ kind: 'refused', refusal }, { text: /^DELETE FROM .*STEP_ARCHIVE/, times: Infinity });
      const findings = await findingsOf(store);
      expect(findings.get('grants-step-archive')).toMatchObject({
        ...{
          level: 'failure',
          message: containing('STORE_ACCESS_DENIED: missing: DELETE on'),
          advice: containing('grant'),
        },
      });
      expect(findings.get('grants-pod-log')?.level).toBe('ok');
    });

    test('whose lock another program holds are not examined in full, and the rest is', async () => {
      const store = await open({ statementTimeoutMs: 2_000 });
      await hold('POD_LOG');
      const findings = await findingsOf(store);
      expect(findings.get('grants-pod-log')).toMatchObject({ level: 'warning', message: containing('not checked') });
      expect(findings.get('grants-step-tracker')?.level).toBe('ok');
    });
  });

  test('holds no secret, whatever the driver and the server answer', async () => {
    const password = 'pa55-word-with-"quotes"';
    const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }) as string;
    const token = 'ver:1-hint:1234-token-of-mine';
    const secrets = [password, token, ...privateKey.split('\n').filter((line) => line.length > 20)];
    const { faults } = bed().proxy;
    const quoting = refusals.noPrivilege('warehouse', `${password} ${token} ${privateKey}`);
    for (const connection of [
      { ...options(), password },
      { ...options(), authenticator: 'OAUTH', token },
      { ...options(), authenticator: 'SNOWFLAKE_JWT', privateKey },
      { ...options(), extra: { password, token, privateKey } },
    ] as SnowflakeConnection[]) {
      const takeBack = faults.inject(
        { kind: 'refused', refusal: quoting },
        { text: /SHOW|ACCOUNT_USAGE/, times: Infinity },
      );
      const shown = JSON.stringify((await (await make({ connection })).diagnose()).findings);
      takeBack();
      for (const secret of secrets) expect(shown).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
  });
});

test.each<[way: string, connection: object | undefined, level: string, message: RegExp]>([
  ['connections.toml', undefined, 'ok', /connections\.toml/],
  ['a password', { password: 'x' }, 'warning', /password alone/],
  [
    'a password and a second factor',
    { password: 'x', authenticator: 'username_password_mfa' },
    'warning',
    /asked at each login/,
  ],
  [
    'a cached second factor',
    { authenticator: 'USERNAME_PASSWORD_MFA', clientRequestMFAToken: true },
    'warning',
    /cached/,
  ],
  ['a key pair', { authenticator: 'SNOWFLAKE_JWT', privateKey: 'x' }, 'ok', /key pair/],
  ['OAuth', { authenticator: 'OAUTH', token: 'x' }, 'ok', /OAuth token/],
  ['OAuth client credentials', { authenticator: 'OAUTH_CLIENT_CREDENTIALS' }, 'ok', /client credentials/],
  ['a programmatic access token', { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN' }, 'ok', /access token/],
  ['workload identity', { authenticator: 'WORKLOAD_IDENTITY' }, 'ok', /workload identity/],
  ['a browser', { authenticator: 'EXTERNALBROWSER' }, 'warning', /browser/],
  ['Okta', { authenticator: 'https://example.okta.com/secret' }, 'warning', /^By Okta, with a password\.$/],
  [
    'another authenticator',
    { authenticator: 'token-pasted-here' },
    'ok',
    /^By an authenticator that this check does not know\.$/,
  ],
])('signs in by %s', (_, connection, level, message) => {
  const seen = signIn(connection);
  expect(seen.level).toBe(level);
  expect(seen.message).toMatch(message);
});
