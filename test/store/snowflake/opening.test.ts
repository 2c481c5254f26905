/** Opening names at once what is missing or altered, and migrates older tables. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FleetQError } from '../../../src/errors.js';
import { openTables } from '../../../src/store/snowflake/opening/open-tables.js';
import { GRANTS, SCHEMA, SCHEMA_VERSION, type Schema } from '../../../src/store/snowflake/schema.js';
import type { Tables } from '../../../src/store/snowflake/table-names.js';
import { newStep } from '../../conformance/harness.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals, type Refusal } from '../../support/warehouse/wire-replies.js';
import { claimed, joined, useStores } from './support/stores.js';

const TABLES: Readonly<Record<keyof Tables, string>> = {
  stepTracker: 'STEP_TRACKER',
  stepArchive: 'STEP_ARCHIVE',
  exchangeRequest: 'EXCHANGE_REQUEST',
  podLog: 'POD_LOG',
  schemaInfo: 'SCHEMA_INFO',
  podHealth: 'POD_HEALTH',
};
const ALL = Object.entries(TABLES) as [keyof Tables, string][];

const failure = (work: Promise<unknown>): Promise<FleetQError> =>
  work.then(
    () => expect.fail('it went through'),
    (error: unknown) => error as FleetQError,
  );

describeOnTestBed('a store that opens names', { timeout: 60_000 }, () => {
  const { bed, make, opening, open, byHand, place } = useStores();

  test('the missing grant, for each that a pod needs', async () => {
    await open();
    const parts = opening({}, { createTables: false });
    await openTables(parts);
    for (const [table, name] of ALL) {
      for (const privilege of GRANTS[table]) {
        const verb = { SELECT: 'SELECT [^]* FROM', INSERT: 'INSERT INTO', UPDATE: 'UPDATE', DELETE: 'DELETE FROM' };
        const text = new RegExp(`^${verb[privilege as keyof typeof verb]} [^ ]*"${name}"( |$)`);
        const takeBack = bed().proxy.faults.inject(
          { kind: 'refused', refusal: refusals.noPrivilege('table', name) },
          { text },
        );
        const error = await failure(openTables(parts));
        takeBack();
        expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED', transient: false });
        expect(error.message).toContain(`missing: ${privilege} on ${parts.names[table]}.`);
      }
    }
  });

  test('the missing table, with everything that would have to be granted', async () => {
    await open();
    const [parts, driver] = [opening({}, { createTables: false }), await byHand()];
    for (const [table, name] of ALL) {
      if (table === 'podHealth') continue; // no pod reads the view
      await driver.run(`ALTER TABLE ${name} RENAME TO elsewhere`);
      const error = await failure(openTables(parts));
      await driver.run(`ALTER TABLE elsewhere RENAME TO ${name}`);
      expect(error, name).toMatchObject({ code: 'STORE_ACCESS_DENIED', transient: false });
      expect(error.message).toContain(`missing: ${GRANTS[table].join(', ')} on ${parts.names[table]};`);
    }
  });

  test('the missing column, for each that the statements use', async () => {
    await open();
    const [parts, driver] = [opening(), await byHand()];
    for (const [table, name] of ALL) {
      if (table === 'podHealth') continue;
      for (const column of Object.keys(SCHEMA.tables[table])) {
        await driver.run(`ALTER TABLE ${name} RENAME COLUMN ${column} TO other`);
        const error = await failure(openTables(parts));
        await driver.run(`ALTER TABLE ${name} RENAME COLUMN other TO ${column}`);
        expect(error).toMatchObject({ code: 'STORE_ALTERED', transient: false });
        expect(error.message).toContain(
          `${parts.names[table]} is not as it was made: column ${column.toUpperCase()} is missing`,
        );
      }
    }
    await openTables(parts);
  });

  test('a column of another type, and accepts columns that were added', async () => {
    await open();
    const [parts, driver] = [opening(), await byHand()];
    await driver.run('ALTER TABLE STEP_TRACKER ADD COLUMN of_ours VARCHAR');
    await openTables(parts);
    for (const [column, kind, problem] of [
      ['priority', 'VARCHAR', 'is text, not NUMBER'],
      ['claimed_by', 'VARIANT', 'is variant, not VARCHAR'],
      ['payload', 'VARCHAR', 'is text, not VARIANT'],
      ['claimed_ts', 'TIMESTAMP_TZ', 'is timestamp_tz, not TIMESTAMP_NTZ'],
    ]) {
      await driver.run(`ALTER TABLE STEP_TRACKER RENAME COLUMN ${column} TO other`);
      await driver.run(`ALTER TABLE STEP_TRACKER ADD COLUMN ${column} ${kind}`);
      const error = await failure(openTables(parts));
      await driver.run(`ALTER TABLE STEP_TRACKER DROP COLUMN ${column}`);
      await driver.run(`ALTER TABLE STEP_TRACKER RENAME COLUMN other TO ${column}`);
      expect(error.code).toBe('STORE_ALTERED');
      expect(error.message).toContain(`column ${column!.toUpperCase()} ${problem}`);
    }
  });

  test('an added column that needs a value', async () => {
    await open();
    const driver = await byHand();
    await driver.run('ALTER TABLE POD_LOG ADD COLUMN theirs VARCHAR');
    await openTables(opening());
    await driver.run('ALTER TABLE POD_LOG ALTER COLUMN theirs SET NOT NULL');
    const error = await failure(openTables(opening()));
    expect(error).toMatchObject({ code: 'STORE_ALTERED', transient: false });
    expect(error.message).toMatch(/"POD_LOG" is not as it was made: it takes no rows .* THEIRS/);
  });

  test('what was removed while it was open, and goes on once it is back', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep()]);
    await driver.run('ALTER TABLE STEP_TRACKER RENAME COLUMN crashes TO other');
    for (const call of [() => claimed(store, pod), () => store.stats(), () => store.find(['x'])]) {
      const error = await failure(call());
      expect(error, error.message).toMatchObject({ code: 'STORE_ALTERED', transient: false });
      expect(error.message).toContain(`"STEP_TRACKER" is not as it was made: column CRASHES is missing`);
    }
    await driver.run('ALTER TABLE STEP_TRACKER RENAME COLUMN other TO crashes');
    expect(await claimed(store, pod)).toHaveLength(1);
    await driver.run('ALTER TABLE POD_LOG RENAME TO elsewhere');
    expect((await failure(store.fleet())).message).toMatch(/^missing: SELECT, INSERT, DELETE on .*"POD_LOG"/);
    await driver.run('ALTER TABLE elsewhere RENAME TO POD_LOG');
    const refusal = refusals.noPrivilege('table', 'STEP_TRACKER');
    const inserting = { text: /^INSERT INTO [^ ]*"STEP_TRACKER"/, times: Infinity };
    const takeBack = bed().proxy.faults.inject({ kind: 'refused', refusal }, inserting);
    const denied = await failure(store.submit([newStep()]));
    takeBack();
    expect(denied.message).toMatch(/^missing: INSERT on .*"STEP_TRACKER"/);
    expect(await store.fleet()).toHaveLength(1);
  });

  describe('tables that fleet-q did not make, and changes nothing', () => {
    const ORIGINAL = {
      STEP_TRACKER: `CREATE TABLE STEP_TRACKER (step_id VARCHAR, status VARCHAR, claimed_by VARCHAR, last_update_ts TIMESTAMP_NTZ,
        payload VARIANT, retry_count NUMBER, priority NUMBER, created_ts TIMESTAMP_NTZ, max_retries NUMBER)`,
      POD_HEALTH: `CREATE TABLE POD_HEALTH (pod_id VARCHAR, birth_ts TIMESTAMP_NTZ, last_heartbeat_ts TIMESTAMP_NTZ, status VARCHAR, meta VARIANT)`,
    };
    for (const given of [['STEP_TRACKER', 'POD_HEALTH'], ['STEP_TRACKER'], ['POD_HEALTH']] as const) {
      test(given.join(' and '), async () => {
        const driver = await byHand();
        for (const name of given) await driver.run(ORIGINAL[name]);
        const { database, schema } = place();
        const tables = `SELECT table_name AS t, column_name AS c FROM ${database}.INFORMATION_SCHEMA.COLUMNS WHERE table_schema = '${schema}' ORDER BY 1, 2`;
        const before = await driver.run(tables);
        expect(before.length).toBeGreaterThan(0);
        const error = await failure((await make()).open());
        expect(error).toMatchObject({ code: 'STORE_ALTERED', transient: false });
        expect(error.message).toMatch(/"(STEP_TRACKER|POD_HEALTH)" exists already.*another schema, or a tablePrefix/s);
        expect(await driver.run(tables)).toEqual(before);
        await (await make({ tablePrefix: 'Q_' })).open();
      });
    }
  });

  test('nothing, if several open an empty schema at once', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => make()));
    await Promise.all(stores.map((store) => store.open()));
    await stores[0]!.submit([newStep({ stepId: 'a' })]);
    for (const store of stores) expect(await store.find(['a'])).toHaveLength(1);
  });

  test('nothing, if another pod creates each table just before it', async () => {
    const driver = await byHand();
    await open();
    await driver.run('DELETE FROM SCHEMA_INFO'); // the other pod has not noted yet that it has made them
    const exists = { kind: 'refused', refusal: refusals.objectExists('it') } as const;
    const column = { kind: 'refused', refusal: refusals.columnExists('SUBMIT_INDEX') } as const;
    const { faults } = bed().proxy;
    faults.inject(exists, { text: /^CREATE (TRANSIENT TABLE|VIEW) IF NOT EXISTS/, times: 6, name: 'object' });
    faults.inject(column, { text: /ADD COLUMN IF NOT EXISTS/, times: 2, name: 'column' });
    const store = await open();
    expect(Object.fromEntries(faults.happened)).toMatchObject({ object: 6, column: 2 });
    expect(await store.submit([newStep()])).toEqual(['created']);
    expect(await driver.run('SELECT version AS v FROM SCHEMA_INFO')).toEqual([{ V: SCHEMA_VERSION }]);
  });

  test('what is wrong with a table that somebody else creates just before it', async () => {
    const driver = await byHand();
    await open();
    await driver.run('DELETE FROM SCHEMA_INFO');
    const { faults } = bed().proxy;
    const refused = (refusal: Refusal, text: RegExp) => faults.inject({ kind: 'refused', refusal }, { text });
    await driver.run('ALTER TABLE EXCHANGE_REQUEST RENAME COLUMN free TO other');
    refused(refusals.unknownTable('EXCHANGE_REQUEST'), /^SELECT \* FROM .*"EXCHANGE_REQUEST" WHERE FALSE/);
    refused(refusals.objectExists('EXCHANGE_REQUEST'), /^CREATE .*"EXCHANGE_REQUEST"/);
    const error = await failure((await make()).open());
    expect(error).toMatchObject({ code: 'STORE_ALTERED', transient: false });
    expect(error.message).toContain('"EXCHANGE_REQUEST" is not as it was made: column FREE is missing');
  });

  test('the columns that compare text by a collation', async () => {
    const driver = await byHand();
    bed().proxy.account.configure({ parameters: { DEFAULT_DDL_COLLATION: 'en-ci' } });
    onTestFinished(() => bed().proxy.account.configure({ parameters: {} }));
    const parts = opening();
    const old = parts.schema.migrations(parts.names, 'transient').flat();
    const without = (text: string) => text.replace(` DEFAULT_DDL_COLLATION = ''`, '');
    const theirs = await byHand();
    for (const text of old)
      if (text.startsWith('CREATE')) await theirs.run(text.includes('"POD_LOG"') ? without(text) : text);
    await driver.run(`INSERT INTO SCHEMA_INFO SELECT ${SCHEMA_VERSION}, 1, SYSDATE()`);
    const error = await failure(openTables(parts));
    expect(error).toMatchObject({ code: 'STORE_ALTERED', transient: false });
    expect(error.message).toMatch(/^columns of [^ ]*"POD_LOG" have a collation/);
    expect(error.message).not.toContain('STEP_TRACKER');
  });

  test('nothing, if too many statements wait for the lock for a moment', async () => {
    await open();
    const refusal = refusals.tooManyWaiters('STEP_TRACKER', 20);
    bed().proxy.faults.inject({ kind: 'refused', refusal }, { kinds: ['update', 'delete'], times: 3 });
    await (await make()).open();
  });
});

/** Two versions more than there are. */
const LATER: Schema = {
  ...SCHEMA,
  version: SCHEMA_VERSION + 2,
  oldestAllowed: 1,
  tables: { ...SCHEMA.tables, stepTracker: { ...SCHEMA.tables.stepTracker, second: 'VARCHAR', third: 'NUMBER' } },
  migrations: (names, kind) => [
    ...SCHEMA.migrations(names, kind),
    [
      `ALTER TABLE ${names.stepTracker} ADD COLUMN IF NOT EXISTS second VARCHAR`,
      `UPDATE ${names.stepTracker} SET second = 'old' WHERE second IS NULL`,
    ],
    [`ALTER TABLE ${names.stepTracker} ADD COLUMN IF NOT EXISTS third NUMBER(38,0)`],
  ],
};

describeOnTestBed('older tables', { timeout: 60_000 }, () => {
  const { bed, opening, open, byHand } = useStores();

  const later = (options = {}) => {
    const parts = opening({ schema: LATER }, options);
    return openTables(parts);
  };
  const steps = (driver: Driver) => driver.run('SELECT step_id AS id, second AS s, third AS t FROM STEP_TRACKER');
  const versions = (driver: Driver) => driver.run('SELECT version AS v FROM SCHEMA_INFO ORDER BY version');

  test('are migrated with their content, once', async () => {
    const [store, driver] = [await open(), await byHand()];
    await store.submit([newStep({ stepId: 'kept' })]);
    await later();
    expect(await steps(driver)).toEqual([{ ID: 'kept', S: 'old', T: null }]);
    expect(await versions(driver)).toEqual([{ V: SCHEMA_VERSION }, { V: SCHEMA_VERSION + 2 }]);
    bed().meter.reset();
    await later();
    expect(bed().meter.report().byKind.definition).toBeUndefined();
    await store.submit([newStep({ stepId: 'by the older code' })]);
    expect(await claimed(store, await joined(store))).toHaveLength(2);
  });

  test('of the first version get what the second adds, and keep their content', async () => {
    const driver = await byHand();
    await (await open()).submit([newStep({ stepId: 'kept' })]);
    for (const table of ['STEP_TRACKER', 'STEP_ARCHIVE'])
      await driver.run(`ALTER TABLE ${table} DROP COLUMN submit_index`);
    await driver.run('UPDATE SCHEMA_INFO SET version = 1');
    const store = await open();
    await store.submit([newStep({ stepId: 'z' }), newStep({ stepId: 'a' })]);
    const claims = await claimed(store, await joined(store));
    expect(claims.map(({ stepId }) => stepId)).toEqual(['kept', 'z', 'a']);
  });

  test('are migrated by several pods at once', async () => {
    const [store, driver] = [await open(), await byHand()];
    await store.submit([newStep({ stepId: 'kept' })]);
    await Promise.all([later(), later(), later()]);
    expect(await steps(driver)).toEqual([{ ID: 'kept', S: 'old', T: null }]);
  });

  for (const [where, text] of [
    ['before anything', /ADD COLUMN IF NOT EXISTS second/],
    ['half way', /^UPDATE .* SET second/],
    ['between two versions', /ADD COLUMN IF NOT EXISTS third/],
    ['before its end is noted', /^INSERT INTO .*SCHEMA_INFO/],
  ] as const) {
    test(`that was interrupted ${where} is finished by the next opening`, async () => {
      const [store, driver] = [await open(), await byHand()];
      await store.submit([newStep({ stepId: 'kept' })]);
      bed().proxy.faults.inject({ kind: 'refused', refusal: refusals.cancelled() }, { text });
      expect(await failure(later())).toMatchObject({ code: '000604' });
      expect(await versions(driver)).toEqual([{ V: SCHEMA_VERSION }]);
      await later();
      expect(await steps(driver)).toEqual([{ ID: 'kept', S: 'old', T: null }]);
      expect(await versions(driver)).toEqual([{ V: SCHEMA_VERSION }, { V: SCHEMA_VERSION + 2 }]);
    });
  }

  test('are finished if their creation was interrupted', async () => {
    const driver = await byHand();
    bed().proxy.faults.inject({ kind: 'refused', refusal: refusals.cancelled() }, { text: /CREATE .*POD_LOG/ });
    await failure(openTables(opening()));
    await openTables(opening());
    expect(await versions(driver)).toEqual([{ V: SCHEMA_VERSION }]);
  });

  test('are refused, with what to do, if the role may not alter them', async () => {
    await open();
    expect(await failure(later({ createTables: false }))).toMatchObject({
      code: 'STORE_ACCESS_DENIED',
      message: expect.stringMatching(/schema version 4, and this process needs 6: .*snowflakeDdl/),
    });
    const refusal = refusals.noPrivilege('table', 'STEP_TRACKER');
    bed().proxy.faults.inject({ kind: 'refused', refusal }, { kinds: ['definition'] });
    expect((await failure(later())).message).toMatch(/missing: OWNERSHIP .* run snowflakeDdl/);
  });
});
