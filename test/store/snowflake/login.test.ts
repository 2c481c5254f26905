/** Failed logins and set-ups: each is a typed error that says what is wrong, and never shows a secret. */
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import type { ConnectionOptions } from 'snowflake-sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FleetQError } from '../../../src/errors.js';
import type { Logger } from '../../../src/log.js';
import { snowflake } from '../../../src/snowflake.js';
import { loginError } from '../../../src/store/snowflake/session/error-mapping.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { FleetQ } from 'fleet-q';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals } from '../../support/warehouse/wire-replies.js';
import { useStores } from './support/stores.js';
import { wrongConnections, type WrongConnections } from './support/wrong-connections.js';

const SECRET = 'tell-nobody-7f3a';
const key = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

/** What is wrong, what of the options says so, and what the error must name. */
const WRONG: WrongConnections = {
  ...wrongConnections(SECRET, key()),
  'text of a key': {
    over: { authenticator: 'SNOWFLAKE_JWT', privateKey: SECRET },
    code: 'STORE_LOGIN_REFUSED',
    names: /key/,
  },
  'OAuth token': { over: { authenticator: 'OAUTH', token: SECRET }, code: 'STORE_LOGIN_REFUSED', names: /token/ },
  'programmatic access token': {
    over: { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: SECRET },
    code: 'STORE_LOGIN_REFUSED',
    names: /token/,
  },
  'warehouse, checked at login': {
    over: { warehouse: 'NO_WH', validateDefaultParameters: true },
    code: 'STORE_NO_WAREHOUSE',
    names: /warehouse/,
  },
};

describeOnTestBed('opening', () => {
  const { bed, make, place, options, byHand } = useStores();

  const opening = async (...args: Parameters<typeof make>): Promise<FleetQError> => {
    const store = await make(...args);
    return store.open().then(
      () => expect.fail('it opened'),
      (error: unknown) => error as FleetQError,
    );
  };

  describe('a wrong', () => {
    for (const [what, { over, code, names }] of Object.entries(WRONG)) {
      test(what, async () => {
        const error = await opening({ connection: { ...options(), ...over } });
        expect(error).toBeInstanceOf(FleetQError);
        expect(error).toMatchObject({ code });
        expect(error.message).toMatch(names);
        expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
      });
    }

    test('database', async () => {
      const error = await opening({ database: 'NO_DATABASE' });
      expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED' });
      expect(error.message).toContain('USAGE on DATABASE "NO_DATABASE"');
    });

    test('schema', async () => {
      const error = await opening({ schema: 'no_schema' });
      expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED' });
      expect(error.message).toContain(`USAGE on SCHEMA "${place().database}"."no_schema"`);
      expect(error.message).toContain('most are in capitals');
    });
  });

  describe('of a sign-in', () => {
    const { secondFactor, policyForbids, wrongCredentials } = refusals;
    for (const [what, refusal, names] of [
      ['by a wrong password', wrongCredentials(), /the user or the password is wrong/],
      ['that wants a second factor', secondFactor(), /second factor \(MFA\)/],
      ['that a policy forbids', policyForbids(), /authentication policy does not allow/],
    ] as const) {
      test(`${what}: says what to use instead of a password, if there was one`, async () => {
        const { faults } = bed().proxy;
        onTestFinished(faults.inject({ kind: 'refused', refusal }, { route: 'login', times: 2 }));
        const byPassword = await opening();
        expect(byPassword).toMatchObject({ code: 'STORE_LOGIN_REFUSED', message: expect.stringMatching(names) });
        expect(byPassword.message).toMatch(/key pair, OAuth, workload identity or a programmatic access token$/);
        const { password: _, ...rest } = options();
        const byKey = await opening({
          connection: { ...rest, authenticator: 'SNOWFLAKE_JWT', privateKey: key() },
        });
        expect(byKey).toMatchObject({ code: 'STORE_LOGIN_REFUSED', message: expect.stringMatching(names) });
        expect(byKey.message).not.toMatch(/key pair/);
      });
    }
  });

  test('without a network', { timeout: 60_000 }, async () => {
    const error = await opening({ connection: { ...options(), accessUrl: 'http://127.0.0.1:1' } });
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', transient: true });
    expect(error.message).toMatch(/cannot be reached/);
  });

  test('with a warehouse that does not resume', async () => {
    bed().proxy.faults.inject({ kind: 'refused', refusal: refusals.cannotResume('FLEET_Q_WH') }, { kinds: ['select'] });
    const error = await opening();
    expect(error).toMatchObject({ code: 'STORE_NO_WAREHOUSE' });
    expect(error.message).toMatch(/does not resume/);
  });

  test('with a `connection` function that fails hides its error, which may hold secrets', async () => {
    const error = await opening({ connection: () => Promise.reject(new Error(SECRET)) });
    expect(error).toMatchObject({ code: 'STORE_LOGIN_REFUSED' });
    expect(inspect(error, { depth: Infinity })).not.toContain(SECRET);
  });

  test('without tables and without the right to create them names the way out', async () => {
    const error = await opening({ createTables: false });
    expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED' });
    expect(error.message).toMatch(/SELECT on .*SCHEMA_INFO.*snowflakeDdl/);
  });

  test('without a privilege names the missing grant', async () => {
    const whole = await make();
    await whole.open();
    for (const [text, grant] of [
      [/^INSERT INTO .*POD_LOG/, 'INSERT on'],
      [/^UPDATE/, 'UPDATE on'],
      [/^DELETE FROM .*STEP_ARCHIVE/, 'DELETE on'],
    ] as const) {
      const refusal = refusals.noPrivilege('table', 'T');
      const takeBack = bed().proxy.faults.inject({ kind: 'refused', refusal }, { text });
      const error = await opening({ createTables: false });
      takeBack();
      expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED' });
      expect(error.message).toContain(`missing: ${grant} "`);
    }
  });

  test('of tables of a newer version is refused', async () => {
    const store = await make();
    await store.open();
    const driver = await byHand();
    await driver.run('INSERT INTO SCHEMA_INFO (version, oldest_allowed, at_ts) SELECT 9, 9, SYSDATE()');
    expect(await opening()).toMatchObject({ code: 'STORE_SCHEMA_NEWER' });
    const view = await store.heartbeat({ podId: 'p', incarnation: 'i' }, { eligible: true, asleep: false, meta: {} });
    expect(view.outdated).toBe(true);
  });

  test('of existing tables works, whatever characters their names hold', async () => {
    const over = { tablePrefix: 'a"b;-- ü ' };
    for (let times = 0; times < 2; times++) {
      const store = await make(over);
      await store.open();
      expect(await store.stats()).toMatchObject({ due: 0 });
      expect(await store.pulse()).toEqual(expect.any(String));
      await store.close();
    }
  });
});

describeOnTestBed('a secret', () => {
  const { bed, make, options } = useStores();

  test('appears in no log, event, error or inspection, whatever fails', { timeout: 60_000 }, async () => {
    const output: unknown[] = [];
    const note =
      (level: string) =>
      (fields: object, message: string): void =>
        void output.push([level, message, fields]);
    const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const connection = { ...options(), password: SECRET, token: `${SECRET}-token`, privateKeyPass: `${SECRET}-pass` };
    bed().proxy.account.configure({ password: SECRET });
    try {
      for (const over of [
        {},
        { password: `${SECRET}-wrong` },
        { role: 'NO_ROLE' },
        { warehouse: 'NO_WH' },
        { account: 'nobody' },
      ]) {
        const factory = snowflake({ connection: { ...connection, ...over }, ...placeOf(connection) });
        const queue = new FleetQ({ store: factory, logger }).register('work', () => {});
        for (const event of ['store:error', 'pod:fenced', 'step:submitted'] as const)
          queue.on(event, (payload) => output.push(payload));
        output.push(factory, queue);
        await queue.start().catch((error: unknown) => output.push(error));
        const submitted = await queue.submit({ type: 'work' }).catch((error: unknown) => output.push(error));
        output.push(submitted);
        await queue.stop().catch((error: unknown) => output.push(error));
      }
      const store = await make({ connection }, logger);
      await store.open();
      output.push(store);
      for (const fault of [
        { kind: 'gone' },
        { kind: 'invalid' },
        { kind: 'expired' },
        { kind: 'status', status: 400 },
      ] as const) {
        bed().proxy.faults.inject(fault);
        output.push(await store.stats().catch((error: unknown) => error));
      }
      for (const bad of [SECRET, [SECRET], 7]) {
        try {
          snowflake({ connection: bad as never, database: 'D', schema: 'S' });
        } catch (error) {
          output.push(error);
        }
      }
    } finally {
      bed().proxy.account.configure({ password: 'snow' });
    }
    const all = inspect(output, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null });
    expect(all.length).toBeGreaterThan(1_000);
    expect(all).not.toContain(SECRET);
    for (const error of output)
      if (error instanceof Error) expect(`${error.stack} ${error.message}`).not.toContain(SECRET);
  });
});

test.each(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'])(
  'a certificate that is not valid now may be the clock: %s',
  (code) => {
    const thrown = Object.assign(new Error('Network error'), {
      code: 401001,
      cause: Object.assign(new Error(), { code }),
    });
    const error = loginError(thrown, { secrets: new Secrets(), now: '2026-01-02T03:04:05.000Z' });
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', transient: true });
    expect(error.message).toContain('by the clock of this host (2026-01-02T03:04:05.000Z)');
  },
);

const placeOf = ({ database, schema }: ConnectionOptions) => ({ database: database!, schema: schema! });
