/** How the pods of a fleet share the warehouse: `sleep` and `statementSlots`, in code and in the environment. */
import { FleetQ } from 'fleet-q';
import { describe, expect, test, vi } from 'vitest';
import { storeFromEnv } from '../../../src/default-store.js';
import { createLog } from '../../../src/log.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { snowflake } from '../../../src/snowflake.js';
import { resolveOptions, type SnowflakeOptions } from '../../../src/store/snowflake/options.js';
import type { SleepRhythm, StoreFactory } from '../../../src/store/contract.js';
import { validationErrorOf } from '../../support/validation-error.js';

// The store that the environment names is made from this module. It is watched, and works as it does.
vi.mock('../../../src/snowflake.js', { spy: true });

const WHOLE = { database: 'D', schema: 'S' };
const DEFAULTS: SleepRhythm = {
  quietForMs: 30_000,
  pollIntervalMs: 10_000,
  checkIntervalMs: 3_600_000,
  lookIntervalMs: 21_600_000,
};

const refused = (options: object) => validationErrorOf(() => snowflake({ ...WHOLE, ...options }));
const sleepOf = async (store: StoreFactory): Promise<SleepRhythm | undefined> =>
  (await store.create({ runtime: new VirtualRuntime(), log: createLog('store', undefined) })).sleep;
const given = (options: Partial<SnowflakeOptions>) => sleepOf(snowflake({ ...WHOLE, ...options }));

describe('sleep', () => {
  test.each([
    ['yes', 'expected true, false or an object, got "yes"'],
    [1, 'expected true, false or an object, got 1'],
    [NaN, 'expected true, false or an object, got NaN'],
    [null, 'expected true, false or an object, got null'],
    [[], 'expected true, false or an object, got [array of 0]'],
    [() => true, 'expected true, false or an object, got [function'],
    [Promise.resolve(true), 'expected an object, got [Promise]; await it first'],
    [new Map([['quietForMs', 60_000]]), 'expected an object, got [Map]'],
    [new Date(0), 'expected an object, got [Date]'],
  ])('is refused: %o', (value, problem) => {
    const error = refused({ sleep: value });
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'snowflake.sleep' });
    expect(error.message).toContain(problem);
  });

  describe.each([
    ['quietForMs', 1, 600_000],
    ['pollIntervalMs', 1_000, 3_600_000],
    ['checkIntervalMs', 1_000, 86_400_000],
    ['lookIntervalMs', 60_000, 604_800_000],
  ] as const)('%s', (field, least, most) => {
    const expected = `snowflake.sleep.${field}: expected a whole number from ${least} to ${most}, got `;

    test.each([
      [least - 1, `${least - 1}`],
      [most + 1, `${most + 1}`],
      [least + 0.5, `${least + 0.5}`],
      [-1, '-1'],
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      ['60000', '"60000"'],
      [60_000n, '60000n'],
      [true, 'true'],
      [null, 'null'],
      [Promise.resolve(60_000), '[Promise]'],
    ])('is refused: %o', (value, shown) => {
      const error = refused({ staleReadMs: 0, sleep: { [field]: value } });
      expect(error).toMatchObject({ code: 'OPTION_INVALID', field: `snowflake.sleep.${field}` });
      expect(error.message).toBe(expected + shown);
    });

    test('may have the least and the greatest value, and is left alone where it is undefined', async () => {
      for (const value of [least, most])
        expect(await given({ staleReadMs: 0, sleep: { [field]: value } })).toEqual({ ...DEFAULTS, [field]: value });
      expect(await given({ sleep: { [field]: undefined } })).toEqual(DEFAULTS);
    });
  });

  test.each([
    [10_000, 10_000],
    [10_000, 5_000],
    [600_000, 600_000],
  ])('a gap that is not longer than reads may be late (%i ms) is refused: %i', (staleReadMs, quietForMs) => {
    const error = refused({ staleReadMs, sleep: { quietForMs } });
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'snowflake.sleep.quietForMs' });
    expect(error.message).toContain(`must be longer than staleReadMs (${staleReadMs}), got ${quietForMs}`);
  });

  test('the gap is three times as long as reads may be late, and 30 s at least', async () => {
    expect(await given({ staleReadMs: 0 })).toMatchObject({ quietForMs: 30_000 });
    expect(await given({ staleReadMs: 20_000 })).toMatchObject({ quietForMs: 60_000 });
    expect(await given({ staleReadMs: 20_000, sleep: { quietForMs: 20_001 } })).toMatchObject({ quietForMs: 20_001 });
  });

  test.each([
    ['quietFor', '; did you mean quietForMs?'],
    ['pollInterval', '; did you mean pollIntervalMs?'],
    ['checkInterval', '; did you mean checkIntervalMs?'],
    ['lookIntervallMs', '; did you mean lookIntervalMs?'],
    ['colour', ''],
  ])('a field that is not known is refused, with the nearest name: %s', (field, hint) => {
    const error = refused({ sleep: { [field]: 60_000 } });
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: `snowflake.sleep.${field}` });
    expect(error.message).toBe(`snowflake.sleep.${field}: is not known${hint}`);
  });

  test('is on by default; false keeps the pods awake', async () => {
    expect(await given({})).toEqual(DEFAULTS);
    expect(await given({ sleep: true })).toEqual(DEFAULTS);
    expect(await given({ sleep: {} })).toEqual(DEFAULTS);
    expect(await given({ sleep: false })).toBeUndefined();
  });
});

describe('statementSlots', () => {
  test.each([
    [0, '0'],
    [-8, '-8'],
    [1_001, '1001'],
    [1.5, '1.5'],
    ['8', '"8"'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [8n, '8n'],
    [true, 'true'],
    [null, 'null'],
    [[8], '[array of 1]'],
    [Promise.resolve(8), '[Promise]'],
  ])('is refused: %o', (value, shown) => {
    const error = refused({ statementSlots: value });
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'snowflake.statementSlots' });
    expect(error.message).toBe(`snowflake.statementSlots: expected a whole number from 1 to 1000, got ${shown}`);
  });

  test('is 8 by default, and may be 1 to 1,000', () => {
    expect(resolveOptions(WHOLE).statementSlots).toBe(8);
    for (const slots of [1, 1_000])
      expect(resolveOptions({ ...WHOLE, statementSlots: slots }).statementSlots).toBe(slots);
  });
});

describe('the environment', () => {
  const ENV = { FLEET_Q_SNOWFLAKE_ACCOUNT: 'acme', FLEET_Q_SNOWFLAKE_DATABASE: 'D' };

  test.each([
    ['true', DEFAULTS],
    ['TRUE', DEFAULTS],
    ['', DEFAULTS],
    ['false', undefined],
    ['False', undefined],
  ])('FLEET_Q_SNOWFLAKE_SLEEP=%s sets whether pods sleep', async (text, expected) => {
    expect(await sleepOf(storeFromEnv({ ...ENV, FLEET_Q_SNOWFLAKE_SLEEP: text }))).toEqual(expected);
  });

  test.each(['yes', '1', '0', 'off', ' true', '{}', 'null'])(
    'FLEET_Q_SNOWFLAKE_SLEEP=%s is refused, with or without an account',
    (text) => {
      for (const env of [ENV, {}]) {
        const error = validationErrorOf(() => FleetQ.fromEnv({}, { ...env, FLEET_Q_SNOWFLAKE_SLEEP: text }));
        expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'FLEET_Q_SNOWFLAKE_SLEEP' });
        expect(error.message).toContain(`expected true or false, got "${text}"`);
      }
    },
  );

  test.each(['0', '1001', '1.5', '-8', 'NaN', 'Infinity', '1e2', '0x8', ' 8', 'eight', '9'.repeat(400)])(
    'FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS=%s is refused, with or without an account',
    (text) => {
      for (const env of [ENV, {}]) {
        const error = validationErrorOf(() => FleetQ.fromEnv({}, { ...env, FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS: text }));
        expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS' });
        expect(error.message).toContain(`expected a whole number from 1 to 1000, got "${text.slice(0, 20)}`);
        expect(error.message.length).toBeLessThan(300);
      }
    },
  );

  test.each([
    ['', undefined],
    ['1', 1],
    ['8', 8],
    ['1000', 1_000],
  ])('FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS=%s reaches the store', async (text, statementSlots) => {
    await sleepOf(storeFromEnv({ ...ENV, FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS: text }));
    expect(vi.mocked(snowflake).mock.lastCall?.[0].statementSlots).toBe(statementSlots);
  });

  test.each([
    ['FLEET_Q_SNOWFLAKE_SLEEP', 'true'],
    ['FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS', '8'],
  ])('%s without an account is refused, so that a fleet never silently uses a file', (variable, text) => {
    const error = validationErrorOf(() => FleetQ.fromEnv({}, { [variable]: text }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field: 'FLEET_Q_SNOWFLAKE_ACCOUNT' });
    expect(error.message).toContain(`is missing, and ${variable} is set`);
  });
});
