/** Transient and permanent tables: the chosen kind is created, and existing tables are never taken for the other kind. */
import { expect, onTestFinished, test } from 'vitest';
import type { FleetQError } from '../../../src/errors.js';
import { openTables } from '../../../src/store/snowflake/opening/open-tables.js';
import type { StatementRunner } from '../../../src/store/snowflake/session/session-interface.js';
import { snowflakeDdl } from '../../../src/snowflake.js';
import { newStep } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const TABLES = ['EXCHANGE_REQUEST', 'POD_LOG', 'SCHEMA_INFO', 'STEP_ARCHIVE', 'STEP_TRACKER'];

describeOnTestBed('tables', { timeout: 60_000 }, () => {
  const { bed, make, open, opening, byHand, place } = useStores();

  /** By name, in the server's word. */
  const kinds = async () => {
    const { database, schema } = place();
    const rows = await (await byHand()).run(`SHOW TABLES IN SCHEMA "${database}"."${schema}"`);
    return Object.fromEntries(rows.map((row) => [row['name'] as string, row['kind'] as string]));
  };
  const all = (kind: string) => Object.fromEntries(TABLES.map((table) => [table, kind]));
  const refused = async (work: Promise<unknown>) =>
    (await work.then(
      () => undefined,
      (error: unknown) => error,
    )) as FleetQError;
  const changes = () => bed().meter.readings.filter(({ kind }) => ['definition', 'insert', 'update'].includes(kind));

  test('are transient by default', async () => {
    await open();
    expect(await kinds()).toEqual(all('TRANSIENT'));
  });

  test('are permanent if the options say so, also with wildcards in the prefix', async () => {
    const tablePrefix = '100%_\\';
    await open({ tableKind: 'permanent', tablePrefix });
    const found = await kinds();
    expect(found).toEqual(Object.fromEntries(TABLES.map((table) => [tablePrefix + table, 'TABLE'])));
    const error = await refused((await make({ tableKind: 'transient', tablePrefix })).open());
    expect(error.message).toContain('"100%_\\STEP_TRACKER" is permanent');
  });

  for (const [asked, there, ddl] of [
    ['permanent', 'transient', 'transient'],
    ['transient', 'permanent', 'permanent'],
  ] as const) {
    test(`of the other kind are refused if ${asked} ones are asked for, and nothing is written`, async () => {
      const store = await open({ tableKind: there });
      await store.submit([newStep({ stepId: 'kept' })]);
      bed().meter.reset();
      for (const createTables of [true, false]) {
        const error = await refused((await make({ tableKind: asked, createTables })).open());
        expect(error).toMatchObject({ code: 'STORE_TABLE_KIND', transient: false });
        expect(error.message).toContain(`tableKind: expected ${asked} tables`);
        for (const table of TABLES) expect(error.message).toContain(`"${table}" is ${there}`);
        expect(error.message).toContain('Nothing has been written');
      }
      expect(changes()).toEqual([]);
      expect(await (await open({ tableKind: there })).find(['kept'])).toHaveLength(1);
    });

    test(`that are ${there} are used as they are if no kind is asked for`, async () => {
      const driver = await byHand();
      const text = snowflakeDdl({ ...place(), role: 'POD', tableKind: ddl });
      const statements = text.split(/;\n\n?/).filter((one) => /^CREATE [^]*(TABLE|VIEW)/.test(one));
      // One is missing, as if the creation had been interrupted.
      for (const one of statements) if (!one.includes('"POD_LOG"')) await driver.run(one);
      expect(await (await open()).submit([newStep()])).toEqual(['created']);
      expect(await kinds()).toEqual(all(there === 'transient' ? 'TRANSIENT' : 'TABLE'));
    });
  }

  test('that are hybrid are refused before anything is created beside them, whether or not a kind is asked for', async () => {
    const driver = await byHand();
    await driver.run('CREATE TABLE STEP_TRACKER (step_id VARCHAR)');
    for (const options of [{}, { tableKind: 'permanent' as const }]) {
      const parts = opening({}, options);
      const [session] = parts.sessions;
      const hybrid: StatementRunner = {
        run: async (text, ...given) => {
          const rows = await session.run(text, ...given);
          return text.startsWith('SHOW TABLES') ? rows.map((row) => ({ ...row, is_hybrid: 'Y' })) : rows;
        },
      };
      const error = await refused(openTables({ ...parts, sessions: [hybrid] }));
      expect(error).toMatchObject({ code: 'STORE_TABLE_KIND', transient: false });
      expect(error.message).toMatch(
        /"STEP_TRACKER" is hybrid[^]*another schema[^]*tablePrefix[^]*Nothing has been written/,
      );
    }
    expect(Object.keys(await kinds())).toEqual(['STEP_TRACKER']);
  });

  test('are not queried for their kind if it makes no difference', async () => {
    await open();
    bed().meter.reset();
    await open({ createTables: false });
    expect(bed().meter.readings.filter(({ text }) => text.startsWith('SHOW'))).toEqual([]);
  });

  test('that two pods create of different kinds at once open for one of them at most', async () => {
    // Both look before either has made a table.
    bed().proxy.latency.configure({ statements: { definition: 100 } });
    onTestFinished(() => bed().proxy.latency.configure({ statements: {} }));
    const stores = await Promise.all([make({ tableKind: 'transient' }), make({ tableKind: 'permanent' })]);
    const opened = await Promise.allSettled(stores.map((store) => store.open()));
    const refusals = opened.filter((one) => one.status === 'rejected').map(({ reason }) => reason as FleetQError);
    expect(refusals.length).toBeGreaterThan(0);
    for (const error of refusals) expect(error).toMatchObject({ code: 'STORE_TABLE_KIND', transient: false });
  });

  test('that another pod creates of the other kind meanwhile are refused, and the error says what was written', async () => {
    const driver = await byHand();
    const theirs = snowflakeDdl({ ...place(), role: 'POD', tableKind: 'permanent' })
      .split(/;\n\n?/)
      .find((one) => /^CREATE [^]*TABLE/.test(one))!;
    const parts = opening({}, { tableKind: 'transient' });
    const [session] = parts.sessions;
    let isMade = false;
    const late: StatementRunner = {
      run: async (text, ...given) => {
        if (text.startsWith('CREATE') && !isMade) {
          isMade = true;
          await driver.run(theirs);
        }
        return session.run(text, ...given);
      },
    };
    const error = await refused(openTables({ ...parts, sessions: [late] }));
    expect(error).toMatchObject({ code: 'STORE_TABLE_KIND', transient: false });
    expect(error.message).toContain('Another pod made tables at the same time');
    expect(error.message).not.toContain('Nothing has been written');
    expect(Object.keys(await kinds())).toEqual(TABLES);
  });
});
