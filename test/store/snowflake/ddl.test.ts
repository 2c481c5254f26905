/** The text of `snowflakeDdl` creates everything that the pods need, and changes nothing if it runs again. */
import { expect, test } from 'vitest';
import { snowflakeDdl } from '../../../src/snowflake.js';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import { GRANTS } from '../../../src/store/snowflake/schema.js';
import { newSteps, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimed, joined, useStores } from './support/stores.js';

describeOnTestBed('the text of snowflakeDdl', { timeout: 60_000 }, () => {
  const { bed, open, make, byHand, place } = useStores();

  for (const [how, tablePrefix] of [
    ['', ''],
    [', with a prefix that must be quoted', '-- "q" '],
  ] as const) {
    test(`run twice, statement by statement, creates tables for pods that may create none${how}`, async () => {
      const driver = await byHand();
      const [{ role, warehouse }, where] = [bed().connection, { ...place(), tablePrefix }];
      const statements = snowflakeDdl({ ...where, role, warehouse })
        .split(/;\n\n?/)
        .filter((statement) => statement !== '');
      const without = { tablePrefix, createTables: false };
      await expect((await make(without)).open()).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' });
      for (const statement of statements) await driver.run(statement);

      const store = await open(without);
      const pod = await joined(store);
      const [first, second] = newSteps(2);
      expect(await store.submit([first!])).toEqual(['created']);
      for (const statement of statements) await driver.run(statement);

      bed().meter.reset();
      const another = await open(without);
      expect(bed().meter.report().byKind.definition).toBeUndefined();
      expect(await another.submit([first!, second!])).toEqual(['duplicate', 'created']);
      const claims = await claimed(another, pod);
      expect(claims.map(({ stepId }) => stepId).toSorted()).toEqual([first!.stepId, second!.stepId].toSorted());
      const settlements = claims.map((claim) => settlement(claim));
      expect(await another.settle(pod, settlements)).toEqual(['settled', 'settled']);
      expect(await store.stats()).toMatchObject({ byStatus: { completed: 2 } });
      expect(await store.fleet()).toMatchObject([{ pod }]);
      const health = await driver.run(`SELECT pod_id FROM ${namesOf(where).podHealth}`);
      expect(health).toEqual([{ POD_ID: pod.podId }]);
    });
  }

  test('grants what a pod needs, and nothing else', () => {
    const { database, schema } = { database: 'OPS', schema: 'FLEET_Q' };
    const text = snowflakeDdl({ database, schema, role: 'FLEET_Q_POD', warehouse: 'FLEET_Q_WH' });
    const names = namesOf({ database, schema, tablePrefix: '' });
    const tables = (Object.keys(GRANTS) as (keyof typeof GRANTS)[]).filter((name) => GRANTS[name].length > 0);
    const onTables = tables.map(
      (name) => `${GRANTS[name].join(', ')} ON ${name === 'podHealth' ? 'VIEW' : 'TABLE'} ${names[name]}`,
    );
    const granted = [...text.matchAll(/^GRANT (.*) TO ROLE "FLEET_Q_POD";$/gm)].map(([, what]) => what);
    const usage = ['WAREHOUSE "FLEET_Q_WH"', 'DATABASE "OPS"', 'SCHEMA "OPS"."FLEET_Q"'].map((on) => `USAGE ON ${on}`);
    expect(granted.toSorted()).toEqual([...usage, ...onTables].toSorted());
    expect(text.match(/\bGRANT\b/g)).toHaveLength(granted.length);
    expect(snowflakeDdl({ database, schema, role: 'FLEET_Q_POD' })).not.toContain('WAREHOUSE');
  });
});
