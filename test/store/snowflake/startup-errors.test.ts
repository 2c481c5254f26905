/** Bad input through the queue's public API: typed errors that name the cause, nothing left behind, and a second try. */
import { FleetQ, FleetQError, ValidationError, type AnyFleetQ, type FleetQOptions } from 'fleet-q';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import sdk, { type ConnectionOptions } from 'snowflake-sdk';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLog } from '../../../src/log.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { snowflake, snowflakeDdl, type SnowflakeOptions } from '../../../src/snowflake.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { acceleratedRuntime } from './support/accelerated-runtime.js';
import { useStores } from './support/stores.js';
import { wrongConnections, type WrongConnections } from './support/wrong-connections.js';

// This file loads the driver before a queue does, so the queue leaves its log alone.
sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });

const SECRET = 'tell-nobody-4c1d';
const key = (passphrase?: string): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    ...{ type: 'pkcs8', format: 'pem' },
    ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
  }) as string;
const failure = (work: Promise<unknown>): Promise<FleetQError> =>
  work.then(
    () => expect.fail('it went through'),
    (error: unknown) => error as FleetQError,
  );

/** What is wrong with the connection, and what the error must name. */
const WRONG: WrongConnections = {
  ...wrongConnections(SECRET, key()),
  'file of a key': {
    over: { authenticator: 'SNOWFLAKE_JWT', privateKeyPath: '/nowhere/rsa_key.p8' },
    code: 'STORE_LOGIN_REFUSED',
    names: /a file that the connection names, such as that of the key, cannot be read: .*\/nowhere\/rsa_key\.p8/,
  },
  passphrase: {
    over: { authenticator: 'SNOWFLAKE_JWT', privateKey: key(SECRET), privateKeyPass: 'another' },
    code: 'STORE_LOGIN_REFUSED',
    names: /the key cannot be read, or its passphrase does not fit/,
  },
  'key without its passphrase': {
    over: { authenticator: 'SNOWFLAKE_JWT', privateKey: key(SECRET) },
    code: 'STORE_LOGIN_REFUSED',
    names: /key/,
  },
  'key that is none': {
    over: {
      authenticator: 'SNOWFLAKE_JWT',
      privateKey: '-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----',
    },
    code: 'STORE_LOGIN_REFUSED',
    names: /the key cannot be read/,
  },
};

describeOnTestBed('start() with', { timeout: 60_000 }, () => {
  const { bed, options, place, byHand } = useStores();

  const queueOn = (over: Partial<SnowflakeOptions>, more: FleetQOptions = {}) => {
    const { database, schema } = place();
    const store = snowflake({ connection: options(), database, schema, ...over });
    const queue = new FleetQ({ store, ...more, steps: [] }).register('work', () => 'done');
    onTestFinished(() => queue.stop());
    return queue;
  };
  const sessions = () => bed().proxy.sessions.all.length;
  /** It failed, nothing is left of it, and when what was wrong is mended the same queue starts, and works. */
  const startsAfter = async (queue: AnyFleetQ, mend: () => unknown): Promise<FleetQError> => {
    const before = sessions();
    const error = await failure(queue.start());
    expect(error).toBeInstanceOf(FleetQError);
    await expect.poll(sessions).toBe(before);
    expect(queue.health()).toMatchObject({ status: expect.not.stringMatching(/^healthy$/) as string });
    await mend();
    await queue.start();
    const stepId = await queue.submit({ type: 'work' } as never);
    await queue.waitFor(stepId, { timeoutMs: 20_000 });
    return error;
  };

  for (const [what, { over, code, names }] of Object.entries(WRONG)) {
    test(`a wrong ${what}`, async () => {
      let connection = { ...options(), ...over };
      const error = await startsAfter(queueOn({ connection: () => connection }), () => (connection = options()));
      expect(error).toMatchObject({ code, message: expect.stringMatching(names) });
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
    });
  }

  test('a wrong database, and then a wrong schema', async () => {
    const driver = await byHand();
    const database = `NO_${Date.now()}`;
    const queue = queueOn({ database, schema: 'THERE' });
    const first = await failure(queue.start());
    expect(first).toMatchObject({ code: 'STORE_ACCESS_DENIED' });
    expect(first.message).toContain(`USAGE on DATABASE "${database}"`);
    await driver.run(`CREATE DATABASE ${database}`);
    const second = await startsAfter(queue, () => driver.run(`CREATE SCHEMA ${database}.THERE`));
    expect(second).toMatchObject({ code: 'STORE_ACCESS_DENIED' });
    expect(second.message).toContain(`USAGE on SCHEMA "${database}"."THERE"`);
    await queue.stop();
    await driver.run(`DROP SCHEMA ${database}.THERE`);
  });

  test('a warehouse that cannot resume', async () => {
    const { suspension } = bed().proxy;
    suspension.suspend();
    suspension.configure({ resumable: false });
    const error = await startsAfter(queueOn({}), () => suspension.configure({ resumable: true }));
    expect(error).toMatchObject({ code: 'STORE_NO_WAREHOUSE', transient: true });
    expect(error.message).toMatch(/does not resume/);
  });

  test('no network fails at once, or at the deadline if nothing answers', async () => {
    let connection: ConnectionOptions = { ...options(), accessUrl: 'http://127.0.0.1:1' };
    const began = performance.now();
    const error = await startsAfter(queueOn({ connection: () => connection }), () => (connection = options()));
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', transient: true });
    expect(performance.now() - began).toBeLessThan(15_000);

    const SPEED = 10;
    bed().proxy.faults.inject({ kind: 'hang' }, { route: 'login', times: Infinity });
    const started = performance.now();
    const hung = await failure(queueOn({ statementTimeoutMs: 10_000 }, { runtime: acceleratedRuntime(SPEED) }).start());
    expect(hung).toMatchObject({ code: 'STORE_UNAVAILABLE', transient: true });
    expect(hung.message).toMatch(/the login did not answer within 25000 ms/);
    expect((performance.now() - started) * SPEED).toBeLessThan(100_000);
    bed().proxy.faults.clear();
  });

  test('args that JSON or a bind cannot hold names them, before anything is sent', async () => {
    const queue = queueOn({}, { maxPayloadBytes: 4_000_000 }) as AnyFleetQ;
    await queue.start();
    queue.pause();
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    const submit = (args: unknown) => queue.submit({ type: 'work', args } as never);
    const inserts = () =>
      bed().meter.readings.filter(({ kind, text }) => kind === 'insert' && text.includes('STEP_TRACKER'));
    const before = inserts().length;
    for (const [args, path] of [
      [{ a: [1, { when: new Date() }] }, 'args.a[1].when'],
      [{ n: 1n }, 'args.n'],
      [{ m: new Map([[1, 2]]) }, 'args.m'],
      [{ u: undefined, list: [undefined] }, 'args.list[0]'],
      [{ f: () => 1 }, 'args.f'],
      [{ x: NaN }, 'args.x'],
      [loop, 'args.self'],
    ] as const) {
      const error = await failure(submit(args));
      expect(error, path).toBeInstanceOf(ValidationError);
      expect(error).toMatchObject({ code: 'PAYLOAD_UNSERIALIZABLE', field: path });
    }
    const alone = await failure(submit('x'.repeat(1_000_000)));
    expect(alone).toMatchObject({ code: 'STORE_REFUSED', transient: false });
    expect(alone.message).toMatch(/step "[-0-9a-f]+" takes \d+ bytes of one bind/);
    expect(inserts()).toHaveLength(before);
    const together = await Promise.allSettled([submit('small'), submit('x'.repeat(1_000_000)), submit('too')]);
    expect(together.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await queue.stats()).toMatchObject({ pendingSteps: 2 });
  });

  test('the variables of the environment, each of which reaches the driver', async () => {
    const { database, schema } = place();
    const account = options().account!;
    const env = {
      ...{ ACCOUNT: account, USER: options().username, PASSWORD: options().password, ROLE: options().role },
      ...{ WAREHOUSE: options().warehouse, DATABASE: database, SCHEMA: schema.toLowerCase() },
      ...{ AUTHENTICATOR: 'SNOWFLAKE', TOKEN: 'a-token', PRIVATE_KEY_PATH: '/a/path', PRIVATE_KEY_PASS: 'a-pass' },
    };
    const made: ConnectionOptions[] = [];
    const { createConnection } = sdk;
    vi.spyOn(sdk, 'createConnection').mockImplementation(((given: ConnectionOptions) => {
      made.push(given);
      return createConnection({ ...given, accessUrl: options().accessUrl! }); // the variables cannot name the test bed
    }) as typeof createConnection);
    const variables = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [`FLEET_Q_SNOWFLAKE_${name}`, value]),
    );
    const queue = FleetQ.fromEnv({}, variables) as AnyFleetQ;
    onTestFinished(() => queue.stop());
    await queue.start();
    expect(made[0]).toMatchObject({
      ...{ account, username: env.USER, password: env.PASSWORD, role: env.ROLE, warehouse: env.WAREHOUSE },
      ...{ authenticator: env.AUTHENTICATOR, token: env.TOKEN },
      ...{ privateKeyPath: env.PRIVATE_KEY_PATH, privateKeyPass: env.PRIVATE_KEY_PASS },
    });
    const tables = `SELECT COUNT(*) AS n FROM ${database}.${schema}.STEP_TRACKER`;
    expect(await (await byHand()).run(tables)).toEqual([{ N: 0 }]);
  });
});

describe('the options of snowflake() and snowflakeDdl()', () => {
  const whole = { database: 'D', schema: 'S' };
  test.each([
    [{ ...whole, databse: 'x' }, 'snowflake.databse', /did you mean database\?/],
    [{ ...whole, statementTimeout: 1 }, 'snowflake.statementTimeout', /did you mean statementTimeoutMs\?/],
    [{ schema: 'S' }, 'snowflake.database', /is missing/],
    [{ database: 'D' }, 'snowflake.schema', /is missing/],
    [{ ...whole, database: '' }, 'snowflake.database', /expected text of 1 to 255/],
    [{ ...whole, schema: '' }, 'snowflake.schema', /got ""/],
    [{ ...whole, schema: 'a\nb' }, 'snowflake.schema', /without control characters/],
    [{ ...whole, database: 'a\0b' }, 'snowflake.database', /without control characters/],
    [{ ...whole, tablePrefix: 'a\0b' }, 'snowflake.tablePrefix', /without control characters/],
    [{ ...whole, tablePrefix: 7 }, 'snowflake.tablePrefix', /got 7/],
    [{ ...whole, createTables: 'yes' }, 'snowflake.createTables', /expected true or false, got "yes"/],
    [{ ...whole, queryTag: '' }, 'snowflake.queryTag', /got ""/],
    [{ ...whole, statementTimeoutMs: 10 }, 'snowflake.statementTimeoutMs', /from 1000 to 3600000, got 10/],
    [{ ...whole, statementTimeoutMs: 1500.5 }, 'snowflake.statementTimeoutMs', /a whole number/],
    [{ ...whole, staleReadMs: -1 }, 'snowflake.staleReadMs', /from 0 to 600000, got -1/],
    [{ ...whole, staleReadMs: 600_001 }, 'snowflake.staleReadMs', /from 0 to 600000, got 600001/],
    [{ ...whole, staleReadMs: 0.5 }, 'snowflake.staleReadMs', /a whole number/],
    [{ ...whole, staleReadMs: '10000' }, 'snowflake.staleReadMs', /got "10000"/],
    [{ ...whole, connection: 'text' }, 'snowflake.connection', /expected the driver's connection options/],
    [{ ...whole, connection: [] }, 'snowflake.connection', /expected the driver's connection options/],
    [{ ...whole, connection: null }, 'snowflake.connection', /expected the driver's connection options/],
    [undefined, 'snowflake', /expected an object, got undefined/],
    [null, 'snowflake', /expected an object, got null/],
    ['D.S', 'snowflake', /expected an object, got "D.S"/],
  ])('%j is refused: %s', (given, field, problem) => {
    let error: unknown;
    try {
      snowflake(given as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field, message: expect.stringMatching(problem) });
  });

  test('set how late reads may be: 10 s by default, 0 for an account with global consistency', async () => {
    const environment = { runtime: new VirtualRuntime(), log: createLog('store', undefined) };
    const staleReadMs = async (options: SnowflakeOptions): Promise<number> =>
      (await snowflake(options).create(environment)).staleReadMs;
    expect(await staleReadMs(whole)).toBe(10_000);
    expect(await staleReadMs({ ...whole, staleReadMs: 0 })).toBe(0);
    expect(await staleReadMs({ ...whole, staleReadMs: 600_000 })).toBe(600_000);
  });

  test('of snowflakeDdl are checked, too', () => {
    expect(() => snowflakeDdl(whole as never)).toThrow(/snowflakeDdl.role: is missing/);
    expect(() => snowflakeDdl({ ...whole, role: 'a\0' })).toThrow(/snowflakeDdl.role/);
    expect(() => snowflakeDdl({ ...whole, role: 'R', wharehouse: 'W' } as never)).toThrow(/did you mean warehouse\?/);
    expect(snowflakeDdl({ database: 'D"; DROP', schema: "S'", role: 'R";' })).toContain('TO ROLE "R"";";');
  });
});
