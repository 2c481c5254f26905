/** The statement of docs/from-python.md moves the steps of the Python FLEET-Q to new tables. */
import { expect, test } from 'vitest';
import { blocks, read } from '../../docs/markdown.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimed, joined, useStores } from './support/stores.js';

const PYTHON_TABLE = `(step_id VARCHAR, status VARCHAR, claimed_by VARCHAR, last_update_ts TIMESTAMP_NTZ, payload VARIANT,
  retry_count NUMBER(38,0), priority NUMBER(38,0), created_ts TIMESTAMP_NTZ, max_retries NUMBER(38,0))`;

describeOnTestBed('the steps of the Python FLEET-Q', { timeout: 60_000 }, () => {
  const { bed, open, byHand, place } = useStores();

  test('are copied with their ids, and are claimed here in the order of their priority', async () => {
    const store = await open();
    const old = await bed().freshSchema();
    const python = `"${old.database}"."${old.schema}".STEP_TRACKER`;
    const hand = await byHand();
    await hand.run(`CREATE TABLE ${python} ${PYTHON_TABLE}`);
    for (const [id, status, priority] of [
      ['low', 'pending', 0],
      ['high', 'pending', 7],
      ['held', 'claimed', 3],
      ['done', 'completed', 0],
    ] as const)
      await hand.run(
        `INSERT INTO ${python} SELECT '${id}', '${status}', NULL, SYSDATE(), PARSE_JSON('{"type":"work","args":{"n":1}}'), 0, ${priority}, SYSDATE(), 3`,
      );
    const [statement = ''] = blocks(read('docs/from-python.md'), 'sql');
    const { database, schema } = place();
    const copied = statement
      .replace('OPS.FLEET_Q_2.STEP_TRACKER', `"${database}"."${schema}".STEP_TRACKER`)
      .replace('OPS.FLEET_Q.STEP_TRACKER', python)
      .replace(/;\s*$/, '');
    expect(copied).not.toContain('OPS.');
    await hand.run(copied);
    const pod = await joined(store);
    const claims = await claimed(store, pod, { free: 10, types: { work: 10 } });
    expect(claims.map(({ stepId, priority, maxRetries }) => [stepId, priority, maxRetries])).toEqual([
      ['high', 7, 3],
      ['held', 3, 3],
      ['low', 0, 3],
    ]);
    expect(JSON.parse(claims[0]!.payload)).toEqual({ type: 'work', args: { n: 1 } });
  });
});
