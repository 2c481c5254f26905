/** Tables of schema version 2 are migrated under the pods of that version, which go on. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FleetQError } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { snowflakeDdl } from '../../../src/snowflake.js';
import { groupOf } from '../../../src/store/snowflake/exchange/request-bind.js';
import { openTables } from '../../../src/store/snowflake/opening/open-tables.js';
import { resolveOptions } from '../../../src/store/snowflake/options.js';
import { SCHEMA_VERSION, TABLE_KINDS } from '../../../src/store/snowflake/schema.js';
import { SnowflakeStore } from '../../../src/store/snowflake/store.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import { claimRequest, fresh, newStep, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { joined, useStores } from './support/stores.js';
import { lookOfVersion2, openingOfVersion2, PodOfVersion2, VERSION_2 } from './support/version-2.js';

const TYPES = ['work'];

const failure = (work: Promise<unknown>): Promise<FleetQError> =>
  work.then(
    () => expect.fail('it went through'),
    (error: unknown) => error as FleetQError,
  );

describeOnTestBed('tables of schema version 2', { timeout: 120_000 }, () => {
  const { bed, open, make, opening, byHand, place, options } = useStores();

  const names = () => namesOf({ ...place(), tablePrefix: '' });
  const older = async (more: Parameters<typeof opening>[1] = {}) => {
    const { statements, ...parts } = opening({ schema: VERSION_2 }, more);
    await openTables({ ...parts, statements: { ...statements, opening: openingOfVersion2(names()) } });
  };
  const podOfVersion2 = async () => {
    const pod = { podId: fresh('old'), incarnation: fresh('old-life') };
    const old = new PodOfVersion2(await byHand(), names(), pod, TYPES, groupOf(TYPES));
    await old.sign('registered');
    return old;
  };
  /** A store whose exchanges all go through the log. */
  const logging = async () => {
    const resolved = resolveOptions({ connection: options(), ...place(), staleReadMs: 0 });
    const environment = { runtime: systemRuntime, log: createLog('test') };
    const store = new SnowflakeStore({ ...resolved, combines: 'always' }, environment);
    onTestFinished(() => store.close());
    await store.open();
    return store;
  };
  const submitByHand = async (count: number) => {
    const ids = Array.from({ length: count }, (_, i) => `s${String(i).padStart(3, '0')}`);
    const rows = ids.map((id) => `('${id}')`).join(', ');
    await (
      await byHand()
    ).run(
      `INSERT INTO STEP_TRACKER (step_id, payload) SELECT column1, PARSE_JSON('{"type":"work"}') FROM VALUES ${rows}`,
    );
    return ids;
  };

  test('lack columns that a look of this version needs, and one of that version does not', async () => {
    await older();
    const [driver, bind] = [await byHand(), JSON.stringify({ incarnation: 'i', tokens: [], types: [], mine: [] })];
    await expect(driver.run(statementsOf(names()).exchange.look, [bind])).rejects.toThrow(
      /slot_ms|earlier_settlements/i,
    );
    expect(await driver.run(lookOfVersion2(names()), [bind])).toMatchObject([{ KIND: 'work' }]);
  });

  test('are migrated while a pod of that version exchanges: it goes on, and each step is claimed once', async () => {
    await older();
    const old = await podOfVersion2();
    const ids = await submitByHand(60);
    const claims: string[] = [];
    const settled = new Set<string>();
    let isOver = false;
    let isMigrated = false;
    let exchangesAfter = 0;
    const oldLife = (async () => {
      for (let n = 0; !isOver; n++) {
        const done = await old.exchange(`old-${n}`, 2);
        claims.push(...done.claimed);
        for (const id of done.settled) settled.add(id);
        if (isMigrated) exchangesAfter++;
        await old.sign('heartbeat');
      }
    })();
    await expect.poll(() => settled.size, { timeout: 30_000 }).toBeGreaterThan(0);

    const store = await logging();
    isMigrated = true;
    const pod = await joined(store);
    let handIn: ReturnType<typeof settlement>[] = [];
    for (let n = 0; settled.size < ids.length && n < 100; n++) {
      const claim = claimRequest({ token: `new-${n}`, free: 2, types: { work: 2 } });
      const reply = await store.exchange({ pod, settlements: handIn, claim });
      expect(new Set(reply.receipts)).toEqual(handIn.length > 0 ? new Set(['settled']) : new Set());
      for (const { stepId } of handIn) settled.add(stepId);
      claims.push(...reply.claims.map(({ stepId }) => stepId));
      handIn = reply.claims.map((each) => settlement(each));
    }
    isOver = true;
    await oldLife;
    expect([...settled].sort()).toEqual(ids);
    expect([...claims].sort()).toEqual(ids);
    expect(exchangesAfter, 'exchanges of the old pod after the migration').toBeGreaterThan(2);
    const driver = await byHand();
    expect(await driver.run('SELECT version AS v, oldest_allowed AS o FROM SCHEMA_INFO ORDER BY version')).toEqual([
      { V: 2, O: 1 },
      { V: SCHEMA_VERSION, O: 1 },
    ]);
    await older(); // a pod of that version may still start
    expect((await store.fleet()).map((view) => view.pod.incarnation)).toHaveLength(2);
  });

  test('serve, once migrated, requests of new pods by the UPDATE of an old one', async () => {
    await older();
    const old = await podOfVersion2();
    const store = await open();
    const pod = await joined(store);
    await submitByHand(2);
    const request = {
      token: 'asked',
      pod: pod.podId,
      incarnation: pod.incarnation,
      seq: Date.now(),
      group: groupOf(TYPES),
    };
    const more = {
      free: 1,
      prefetch: 0,
      quarantine: 0,
      limits: [{ type: 'work', most: 1 }],
      settlements: [],
      slotMs: 250,
    };
    const driver = await byHand();
    await driver.run(statementsOf(names()).exchange.ask, [JSON.stringify({ ...request, ...more })]);
    expect((await old.exchange('own', 1)).claimed).toHaveLength(1);
    expect(await driver.run(`SELECT claim_token AS t FROM STEP_TRACKER ORDER BY claim_token`)).toEqual([
      { T: 'asked' },
      { T: 'own' },
    ]);
  });

  for (const tableKind of TABLE_KINDS) {
    test(`keep their kind, ${tableKind}, and their requests when they are migrated`, async () => {
      await older({ tableKind });
      const driver = await byHand();
      await driver.run(`INSERT INTO EXCHANGE_REQUEST (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, asked_ts)
        SELECT 'kept', 'p', 'i', 1, 'g', 1, 0, 0, SYSDATE()`);
      await open();
      await open({ tableKind });
      expect(await driver.run('SELECT token AS t, slot_ms AS s FROM EXCHANGE_REQUEST')).toEqual([
        { T: 'kept', S: null },
      ]);
      const { database, schema } = place();
      const kinds = (await driver.run(`SHOW TABLES IN SCHEMA "${database}"."${schema}"`)).map(
        (row) => row['kind'] as string,
      );
      expect(new Set(kinds)).toEqual(new Set([tableKind === 'transient' ? 'TRANSIENT' : 'TABLE']));
    });
  }

  describe('without the right to migrate them', () => {
    test('are refused by an error that names the columns and says what to run; that text helps', async () => {
      await older();
      const error = await failure((await make({ createTables: false })).open());
      expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED', transient: false });
      expect(error.message).toContain('schema version 2, and this process needs 4');
      expect(error.message).toContain('have an administrator run the text of snowflakeDdl');
      const { stepTracker, stepArchive, exchangeRequest } = names();
      const added = [stepTracker, stepArchive].map((table) => `column EARLIER_SETTLEMENTS of ${table}`);
      expect(error.message).toContain(`Missing: ${added.join(', ')}, column SLOT_MS of ${exchangeRequest}`);
      expect(error.message).not.toContain('SUBMIT_INDEX');
      const driver = await byHand();
      const { role, warehouse } = bed().connection;
      for (const text of snowflakeDdl({ ...place(), role, warehouse }).split(/;\n\n?/))
        if (text !== '') await driver.run(text);
      expect(await (await open({ createTables: false })).submit([newStep()])).toEqual(['created']);
    });

    test('that only claim to be migrated are refused by an error that has the statement which adds the column', async () => {
      await older();
      const driver = await byHand();
      await driver.run(`INSERT INTO SCHEMA_INFO SELECT ${SCHEMA_VERSION}, 1, SYSDATE()`);
      for (const column of ['EARLIER_SETTLEMENTS', 'EARLIER_SETTLEMENTS', 'SLOT_MS']) {
        let message = '';
        for (const createTables of [false, true]) {
          const error = await failure((await make({ createTables })).open());
          expect(error).toMatchObject({ code: 'STORE_ALTERED', transient: false });
          expect(error.message).toContain(`column ${column} is missing`);
          ({ message } = error);
        }
        const [, remedy = ''] = /Run (ALTER TABLE .*)$/.exec(message) ?? [];
        await driver.run(remedy);
      }
      expect(await (await open()).submit([newStep()])).toEqual(['created']);
    });
  });
});
