/** Options and environment variables: a bad one is refused with its name and value. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FleetQ, type AnyFleetQ, type FleetQOptions } from 'fleet-q';
import { optionsFromEnv, overrideEnv } from '../src/options/env.js';
import { completeOptions, OPTION_TABLE, resolveOptions } from '../src/options.js';
import type { Rhythm } from '../src/store/contract.js';
import { temporaryFolder } from './support/temp.js';
import { validationErrorOf } from './support/validation-error.js';

const RHYTHM: Rhythm = {
  heartbeatIntervalMs: 2_000,
  deadAfterMs: 15_000,
  recoveryIntervalMs: 5_000,
  claimIntervalMs: 100,
  idleIntervalMs: 1_000,
  waitIntervalMs: 20,
  submitBatch: 500,
};

const construct = (options: unknown) => validationErrorOf(() => new FleetQ(options as object));

describe('a bad option', () => {
  const store = { name: 'none' };
  const wrong: readonly (readonly [field: keyof FleetQOptions, value: unknown, shown: string])[] = [
    ['store', store, 'a store, such as sqlite({ path }), got {'],
    ['store', ':memory:', 'got ":memory:"'],
    ['steps', { resize: 1 }, 'an array of step definitions, got {'],
    ['unknownTypes', 'reject', "'accept' or 'refuse', got \"reject\""],
    ['podId', '', 'text of 1 to 200 characters without control characters, got ""'],
    ['podId', 'a\u0000b', 'got "a\\u0000b"'],
    ['podId', 7, 'got 7'],
    ['concurrency', 0, 'a whole number from 1 to 100000, got 0'],
    ['concurrency', -1, 'got -1'],
    ['concurrency', 1.5, 'got 1.5'],
    ['concurrency', NaN, 'got NaN'],
    ['concurrency', '8', 'got "8"'],
    ['concurrency', 100_001, 'got 100001'],
    ['concurrency', null, 'got null'],
    ['maxParallelism', 0, 'a whole number from 1 to 100000, got 0'],
    ['maxParallelism', 2.5, 'got 2.5'],
    ['maxParallelism', '10', 'got "10"'],
    ['capacityThreshold', 0, 'a number above 0 and up to 1, got 0'],
    ['capacityThreshold', 1.2, 'got 1.2'],
    ['capacityThreshold', NaN, 'got NaN'],
    ['heartbeatIntervalMs', 0, 'milliseconds from 1 to 3155760000000, got 0'],
    ['deadAfterMs', -1, 'got -1'],
    ['recoveryIntervalMs', Infinity, 'got Infinity'],
    ['claimIntervalMs', null, 'got null'],
    ['idleIntervalMs', 10n, 'got 10n'],
    ['drainTimeoutMs', -1, 'milliseconds from 0 to 3155760000000, got -1'],
    ['abortGraceMs', '5s', 'got "5s"'],
    ['maxPayloadBytes', 63, 'a whole number from 64 to 16000000, got 63'],
    ['maxRetries', -1, 'a whole number from 0 to 1000000, got -1'],
    ['maxCrashes', true, 'got true'],
    ['timeoutMs', 0, 'milliseconds from 1'],
    ['maxPrefetch', 1e9, 'a whole number from 0 to 100000, got 1000000000'],
    ['retentionMs', -5, 'got -5'],
    ['journalPath', '', 'or :memory:, got ""'],
    ['meta', [], 'an object, got ['],
    ['logger', console.log, 'a logger with debug, info, warn and error, got [function log]'],
    ['logger', { info: () => undefined }, 'a logger with debug, info, warn and error, got {'],
    ['logPayloads', 'yes', 'true or false, got "yes"'],
    ['runtime', {}, 'a runtime, got {'],
  ];

  test.each(wrong)('%s: %o', (field, value, shown) => {
    const error = construct({ [field]: value });
    expect(error).toMatchObject({ name: 'ValidationError', code: 'OPTION_INVALID', field });
    expect(error.message).toContain(`${field}: expected `);
    expect(error.message).toContain(shown);
  });

  test('every option but `retry`, which has its own fields, has a refused value in this list', () => {
    const tried = new Set<string>(wrong.map(([field]) => field));
    expect(Object.keys(OPTION_TABLE).filter((key) => !tried.has(key))).toEqual(['retry']);
  });

  test('parts of the retry policy are named by their path', () => {
    expect(construct({ retry: { factor: 0.5 } })).toMatchObject({ field: 'retry.factor' });
    expect(construct({ retry: { factor: 0.5 } }).message).toContain('a number from 1 to 100, got 0.5');
    expect(construct({ retry: { baseMs: -1 } }).message).toContain('retry.baseMs: expected milliseconds');
    expect(construct({ retry: { caps: 1 } }).message).toBe('retry.caps: is not known; did you mean capMs?');
    expect(construct({ retry: 3 }).message).toBe('retry: expected an object, got 3');
  });

  test('an unknown option suggests the nearest known one', () => {
    const error = construct({ maxParalelism: 3 });
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'maxParalelism' });
    expect(error.message).toBe('maxParalelism: is not known; did you mean maxParallelism?');
    expect(construct({ retention: 3 }).message).toContain('did you mean retentionMs?');
  });

  test.each([
    ['workers', 'concurrency'],
    ['parallelism', 'concurrency'],
    ['maxConcurrency', 'concurrency'],
    ['max_concurrency', 'concurrency'],
    ['attempts', 'maxRetries'],
    ['retries', 'maxRetries'],
    ['backoff', 'retry'],
    ['timeout', 'timeoutMs'],
    ['pollInterval', 'claimIntervalMs'],
    ['database', 'store'],
    ['metadata', 'meta'],
  ])('suggests by meaning where the spelling gives no hint: %s means %s', (given, meant) => {
    expect(construct({ [given]: 3 }).message).toBe(`${given}: is not known; did you mean ${meant}?`);
  });

  test('a synonym suggests no field that the object cannot have', () => {
    expect(construct({ retry: { workers: 3 } }).message).toBe('retry.workers: is not known');
    expect(construct({ retry: { delay: 3 } }).message).toBe('retry.delay: is not known; did you mean baseMs?');
  });

  test('an unknown option that resembles no other gets no suggestion', () => {
    expect(construct({ colour: 'red' }).message).toBe('colour: is not known');
    expect(construct({ constructor: 1 }).field).toBe('constructor');
  });

  test.each([[null], [5], ['sqlite'], [[]]])('options that are not an object: %o', (options) => {
    expect(construct(options)).toMatchObject({ code: 'OPTION_INVALID', field: 'options' });
  });

  test.each([
    [Promise.resolve({ podId: 'a' }), '[Promise]; await it first'],
    [{ then: () => undefined }, '{ then }'],
    [new Map([['podId', 'a']]), '[Map]'],
    [new Set(), '[Set]'],
    [new Date(0), '[Date]'],
  ])('what would be read as no options at all: %o', (options, shown) => {
    expect(construct(options).message).toContain(`options: expected an object, got ${shown}`);
    expect(validationErrorOf(() => FleetQ.fromEnv(options as object, {})).field).toBe('options');
    expect(construct({ meta: options }).message).toContain(`meta: expected an object, got ${shown}`);
  });

  test('a long value is shown shortened', () => {
    const { message } = construct({ podId: 'x'.repeat(100_000) });
    expect(message.length).toBeLessThan(250);
    expect(message).toContain('…');
  });
});

describe('options that contradict each other', () => {
  const complete = (options: FleetQOptions) => completeOptions(resolveOptions(options), RHYTHM);

  test('a pod must be allowed to miss two heartbeats before it counts as dead', () => {
    const error = validationErrorOf(() => complete({ heartbeatIntervalMs: 1_000, deadAfterMs: 2_999 }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'deadAfterMs' });
    expect(error.message).toContain('at least three heartbeat intervals (3 × 1000), got 2999');
    expect(complete({ heartbeatIntervalMs: 1_000, deadAfterMs: 3_000 }).deadAfterMs).toBe(3_000);
  });

  test('the check includes the default of an option', () => {
    expect(validationErrorOf(() => complete({ deadAfterMs: 5_000 })).message).toContain('(3 × 2000), got 5000');
    expect(complete({ heartbeatIntervalMs: 30_000 }).deadAfterMs).toBe(120_000);
  });

  test('the longest pause must not be shorter than the first', () => {
    const error = validationErrorOf(() => complete({ claimIntervalMs: 500, idleIntervalMs: 400 }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'idleIntervalMs' });
    expect(error.message).toContain('at least claimIntervalMs (500), got 400');
    expect(complete({ claimIntervalMs: 5_000 }).idleIntervalMs).toBe(5_000);
    expect(complete({ idleIntervalMs: 50 }).claimIntervalMs).toBe(50);
  });
});

describe('concurrency beside the options that it replaces', () => {
  test.each([
    ['maxParallelism', 10],
    ['capacityThreshold', 0.5],
  ] as const)('is refused beside %s, with both names and values', (other, value) => {
    const error = construct({ concurrency: 4, [other]: value });
    expect(error).toMatchObject({ name: 'ValidationError', code: 'OPTION_INVALID', field: 'concurrency' });
    expect(error.message).toBe(
      `concurrency: cannot be given together with ${other}, got 4 and ${value}; ` +
        'concurrency alone says how many steps run at a time',
    );
  });

  test('is refused in the environment, with the names of the variables', () => {
    const env = { FLEET_Q_CONCURRENCY: '4', FLEET_Q_MAX_PARALLELISM: '10' };
    const error = validationErrorOf(() => FleetQ.fromEnv({}, env));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'FLEET_Q_CONCURRENCY' });
    expect(error.message).toContain('cannot be given together with FLEET_Q_MAX_PARALLELISM, got 4 and 10');
  });

  test.each<[string, Record<string, string>, FleetQOptions, number]>([
    ['concurrency over the pair', { MAX_PARALLELISM: '20', CAPACITY_THRESHOLD: '0.5' }, { concurrency: 3 }, 3],
    ['maxParallelism over concurrency', { CONCURRENCY: '20' }, { maxParallelism: 5 }, 4],
    ['capacityThreshold over concurrency', { CONCURRENCY: '20' }, { capacityThreshold: 0.5 }, 5],
    ['half of the pair, which leaves the other half', { MAX_PARALLELISM: '20' }, { capacityThreshold: 0.5 }, 10],
    ['nothing', { CONCURRENCY: '20' }, {}, 20],
  ])('what is given in code overrides the environment: %s', (_, variables, overrides, concurrency) => {
    const env = Object.fromEntries(Object.entries(variables).map(([name, text]) => [`FLEET_Q_${name}`, text]));
    expect(resolveOptions(overrideEnv(env, overrides)).concurrency).toBe(concurrency);
  });
});

describe('resolved options', () => {
  test('defaults are filled in, and all of it is frozen', () => {
    const options = resolveOptions({ maxRetries: 1, retry: { capMs: 10 } });
    expect(options).toMatchObject({
      maxRetries: 1,
      concurrency: 8,
      drainTimeoutMs: 25_000,
    });
    expect(options.retry).toEqual({ baseMs: 1_000, capMs: 10, factor: 2 });
    expect(Object.isFrozen(options)).toBe(true);
    expect(Object.isFrozen(options.retry)).toBe(true);
    expect(resolveOptions({}).podId).not.toBe(resolveOptions({}).podId);
  });

  test('an option that is inherited counts: a getter or a default of a class', () => {
    class Defaults {
      readonly #slots = 3;
      get concurrency(): number {
        return this.#slots;
      }
    }
    expect(resolveOptions(new Defaults()).concurrency).toBe(3);
    expect(overrideEnv({ FLEET_Q_CONCURRENCY: '5' }, new Defaults())).toEqual({ concurrency: 3 });
  });

  test('an option that is `undefined` is ignored', () => {
    const options = { concurrency: undefined, maxParallelism: undefined, podId: undefined, timeoutMs: undefined };
    expect(resolveOptions(options)).toMatchObject({ concurrency: 8, podId: expect.any(String) as string });
    expect(resolveOptions({ ...options, concurrency: 3 })).toMatchObject({ concurrency: 3 });
  });

  const slots = (options: FleetQOptions) => completeOptions(resolveOptions(options), RHYTHM).slots;

  test('`concurrency` is the number of slots', () => {
    expect([slots({}), slots({ concurrency: 1 }), slots({ concurrency: 50 })]).toEqual([8, 1, 50]);
  });

  test('slots: the share of maxParallelism, rounded down, and at least one', () => {
    const share = (maxParallelism: number, capacityThreshold: number) => slots({ maxParallelism, capacityThreshold });
    expect([share(10, 0.8), share(1, 0.1), share(3, 0.5), share(7, 1)]).toEqual([8, 1, 1, 7]);
    expect([slots({ maxParallelism: 20 }), slots({ capacityThreshold: 0.5 })]).toEqual([16, 5]);
  });
});

describe('the environment', () => {
  afterEach(() => vi.restoreAllMocks());

  test('every variable of the table, in its unit', () => {
    expect(
      optionsFromEnv({
        FLEET_Q_POD_ID: 'pod-7',
        FLEET_Q_MAX_PARALLELISM: '4',
        FLEET_Q_CAPACITY_THRESHOLD: '0.5',
        FLEET_Q_HEARTBEAT_INTERVAL_SECONDS: '30',
        FLEET_Q_DEAD_POD_THRESHOLD_SECONDS: '180',
        FLEET_Q_RECOVERY_INTERVAL_SECONDS: '300',
        FLEET_Q_CLAIM_INTERVAL_SECONDS: '0.25',
        FLEET_Q_DRAIN_TIMEOUT_SECONDS: '12',
        FLEET_Q_ABORT_GRACE_SECONDS: '1.5',
      }),
    ).toEqual({
      podId: 'pod-7',
      maxParallelism: 4,
      capacityThreshold: 0.5,
      heartbeatIntervalMs: 30_000,
      deadAfterMs: 180_000,
      recoveryIntervalMs: 300_000,
      claimIntervalMs: 250,
      drainTimeoutMs: 12_000,
      abortGraceMs: 1_500,
    });
  });

  test('absent, empty and foreign variables are ignored', () => {
    expect(optionsFromEnv({ FLEET_Q_MAX_PARALLELISM: '', FLEET_Q_LOG_LEVEL: '', PATH: '/bin' })).toEqual({});
  });

  test.each([
    ['FLEET_Q_CONCURRENCY', 'many', 'expected a number, got "many"'],
    ['FLEET_Q_CONCURRENCY', '0', 'expected a whole number from 1 to 100000, got 0'],
    ['FLEET_Q_MAX_PARALLELISM', 'many', 'expected a number, got "many"'],
    ['FLEET_Q_MAX_PARALLELISM', '0', 'expected a whole number from 1 to 100000, got 0'],
    ['FLEET_Q_CAPACITY_THRESHOLD', '80%', 'expected a number, got "80%"'],
    ['FLEET_Q_HEARTBEAT_INTERVAL_SECONDS', '30s', 'expected seconds from 0.001 to 3155760000, got "30s"'],
    ['FLEET_Q_CLAIM_INTERVAL_SECONDS', '-1', 'expected seconds from 0.001 to 3155760000, got "-1"'],
    ['FLEET_Q_POD_ID', 'a\nb', 'got "a\\nb"'],
    ['FLEET_Q_LOG_LEVEL', 'loud', 'expected DEBUG, INFO, WARNING or ERROR, got "loud"'],
    ['FLEET_Q_LOG_LEVEL', 'constructor', 'got "constructor"'],
    ['FLEET_Q_LOG_FORMAT', 'xml', 'expected json or console, got "xml"'],
    ['FLEET_Q_SNOWFLAKE_SLEEP', 'no', 'expected true or false, got "no"'],
    ['FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS', '0', 'expected a whole number from 1 to 1000, got "0"'],
    ['FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS', '1001', 'expected a whole number from 1 to 1000, got "1001"'],
    ['FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS', '8.5', 'expected a whole number from 1 to 1000, got "8.5"'],
    ['FLEET_Q_CREATE_TABLES', 'no', 'expected true or false, got "no"'],
  ])('%s=%s is refused, and named', (variable, value, problem) => {
    const error = validationErrorOf(() => FleetQ.fromEnv({}, { [variable]: value }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: variable });
    expect(error.message).toContain(problem);
  });

  test('an account without a database is refused, so that a fleet never silently uses a file', () => {
    const error = validationErrorOf(() => FleetQ.fromEnv({}, { FLEET_Q_SNOWFLAKE_ACCOUNT: 'acme' }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'FLEET_Q_SNOWFLAKE_DATABASE' });
  });

  test.each(['USER', 'PASSWORD', 'DATABASE', 'SCHEMA', 'WAREHOUSE', 'ROLE', 'TOKEN', 'PRIVATE_KEY_PATH', 'ACCESS_URL'])(
    'FLEET_Q_SNOWFLAKE_%s without an account is refused too, and not shown',
    (variable) => {
      const error = validationErrorOf(() => FleetQ.fromEnv({}, { [`FLEET_Q_SNOWFLAKE_${variable}`]: 'a-secret' }));
      expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'FLEET_Q_SNOWFLAKE_ACCOUNT' });
      expect(error.message).not.toContain('a-secret');
    },
  );

  test.each([
    ['DATABASE', 'a\0b'],
    ['DATABASE', 'a\nb'],
    ['SCHEMA', 'x'.repeat(256)],
    ['SCHEMA', '\ud800'],
  ])('FLEET_Q_SNOWFLAKE_%s=%j is refused, and named', (variable, value) => {
    const env = { FLEET_Q_SNOWFLAKE_ACCOUNT: 'acme', FLEET_Q_SNOWFLAKE_DATABASE: 'D' };
    const error = validationErrorOf(() => FleetQ.fromEnv({}, { ...env, [`FLEET_Q_SNOWFLAKE_${variable}`]: value }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: `FLEET_Q_SNOWFLAKE_${variable}` });
  });

  const VARIABLES: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
    podId: ['from-env', 'from-env'],
    concurrency: ['3', 3],
    maxParallelism: ['4', 4],
    capacityThreshold: ['0.5', 0.5],
    heartbeatIntervalMs: ['30', 30_000],
    deadAfterMs: ['180', 180_000],
    recoveryIntervalMs: ['300', 300_000],
    claimIntervalMs: ['0.25', 250],
    drainTimeoutMs: ['12', 12_000],
    abortGraceMs: ['1.5', 1_500],
  };
  const withEnv = Object.entries(OPTION_TABLE).flatMap(([option, { env }]) =>
    env === undefined ? [] : [[option, env.name] as const],
  );

  test.each(withEnv)('%s: undefined in code leaves the variable %s', (option, variable) => {
    const [text, value] = VARIABLES[option]!;
    expect(overrideEnv({ [variable]: text }, { [option]: undefined })).toEqual({ [option]: value });
  });

  test('FLEET_Q_CREATE_TABLES=false opens no file that does not exist', async () => {
    const env = { FLEET_Q_SQLITE_PATH: join(temporaryFolder(), 'steps.db'), FLEET_Q_CREATE_TABLES: 'False' };
    const queue = FleetQ.fromEnv({}, env) as AnyFleetQ;
    await expect(queue.stats()).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' });
    await queue.stop();
    expect(existsSync(env.FLEET_Q_SQLITE_PATH)).toBe(false);
  });

  test('a store or a logger that is undefined in code leaves what the environment names', async () => {
    const path = join(temporaryFolder(), 'missing', 'steps.db');
    const queue = FleetQ.fromEnv({ store: undefined } as object, { FLEET_Q_SQLITE_PATH: path }) as AnyFleetQ;
    await expect(queue.submit({ type: 'a' })).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
    await queue.stop();
    const half = { FLEET_Q_SNOWFLAKE_ACCOUNT: 'acme' };
    const error = validationErrorOf(() => FleetQ.fromEnv({ store: undefined } as object, half));
    expect(error).toMatchObject({ field: 'FLEET_Q_SNOWFLAKE_DATABASE' });
    const options = overrideEnv({ FLEET_Q_LOG_LEVEL: 'INFO' }, { logger: undefined } as object);
    expect(options).toHaveProperty('logger.warn');
  });

  test.each<[string, Record<string, string>, FleetQOptions]>([
    ['two ways to state the concurrency', { CONCURRENCY: '3', MAX_PARALLELISM: '4' }, { concurrency: 5 }],
    ['two ways, and the pair in code', { CONCURRENCY: '3', CAPACITY_THRESHOLD: '0.5' }, { maxParallelism: 5 }],
    ['a text that is no number', { CONCURRENCY: 'many' }, { concurrency: 5 }],
    ['a log level that does not exist', { LOG_LEVEL: 'loud' }, { logger: console }],
  ])('a variable is not read if its option is given in code: %s', (_, variables, overrides) => {
    const env = Object.fromEntries(Object.entries(variables).map(([name, text]) => [`FLEET_Q_${name}`, text]));
    expect(overrideEnv(env, overrides)).toMatchObject(overrides);
    expect(() => FleetQ.fromEnv(overrides as object, env)).not.toThrow();
  });

  test('two ways to state the concurrency are still refused if neither is given in code', () => {
    const env = { FLEET_Q_CONCURRENCY: '3', FLEET_Q_MAX_PARALLELISM: '4' };
    expect(validationErrorOf(() => FleetQ.fromEnv({ podId: 'a' }, env)).field).toBe('FLEET_Q_CONCURRENCY');
  });

  test('options in code override the environment', () => {
    expect(FleetQ.fromEnv({}, { FLEET_Q_POD_ID: 'from-env' }).podId).toBe('from-env');
    expect(FleetQ.fromEnv({ podId: 'given' }, { FLEET_Q_POD_ID: 'from-env' }).podId).toBe('given');
  });

  test('a level or a format creates a logger on the console', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const info = vi.spyOn(console, 'info').mockReturnValue();
    const { logger } = optionsFromEnv({ FLEET_Q_LOG_LEVEL: 'Warning' });
    logger?.info({ stepId: 'a' }, 'quiet');
    logger?.warn({ stepId: 'a' }, 'heard');
    expect(info).not.toHaveBeenCalled();
    expect(warn).toHaveBeenCalledOnce();
    const line = JSON.parse(String(warn.mock.calls[0]?.[0])) as Record<string, unknown>;
    expect(line).toEqual({ time: expect.any(String), level: 'warn', message: 'heard', stepId: 'a' });
  });

  test('the format may be readable text, at INFO if no level is given', () => {
    const debug = vi.spyOn(console, 'debug').mockReturnValue();
    const info = vi.spyOn(console, 'info').mockReturnValue();
    const { logger } = optionsFromEnv({ FLEET_Q_LOG_FORMAT: 'CONSOLE' });
    logger?.debug({}, 'quiet');
    logger?.info({ stepId: 'a' }, 'heard');
    expect(debug).not.toHaveBeenCalled();
    expect(info).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/ INFO {2}heard stepId=a$/));
  });

  test('without either, `debug` decides what is logged', () => {
    expect(optionsFromEnv({ FLEET_Q_POD_ID: 'a' })).not.toHaveProperty('logger');
  });
});
