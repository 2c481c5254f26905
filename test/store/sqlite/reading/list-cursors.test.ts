/** Cursors of a list that no page has returned, or whose row has been deleted. */
import { beforeEach, expect, test } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { sqlite } from '../../../../src/sqlite.js';
import type { ListFilter, Store } from '../../../../src/store/contract.js';
import { fresh, ids, newSteps } from '../../../conformance/harness.js';
import { shiftedRuntime } from '../../../support/shifted-runtime.js';

const LAST = String(Number.MAX_SAFE_INTEGER);

const runtime = shiftedRuntime();
const steps = newSteps(3);
const all = ids(steps);
let store: Store;
beforeEach(async () => {
  store = await sqlite({ path: ':memory:' }).create({ runtime, log: createLog('test') });
  await store.submit(steps);
  return () => store.close();
});

const listed = async (order: ListFilter['order'], after: string) => {
  const page = await store.list({ order, limit: 10, after });
  expect(page.next).toBeNull();
  return ids(page.steps);
};

test.each<[string, string, string[], string[]]>([
  ['before every row', '0', all, []],
  ['before every row, in many digits', '0'.repeat(500), all, []],
  ['at the greatest safe integer', LAST, [], all.toReversed()],
  ['one below that', String(Number.MAX_SAFE_INTEGER - 1), [], all.toReversed()],
  ['just beyond the newest row', '4', [], all.toReversed()],
  ['at a row, with leading zeros', '0002', all.slice(2), all.slice(0, 1)],
])('a cursor %s lists what is beyond it', async (_, after, oldest, newest) => {
  expect(await listed('oldest', after)).toEqual(oldest);
  expect(await listed('newest', after)).toEqual(newest);
});

test.each(['9007199254740992', '-0', '-9007199254740991', '+1', '1 ', '\u0661', '1\n', '18446744073709551616', '1n'])(
  'refuses a cursor that is not a row number: %j',
  async (after) => {
    for (const order of ['oldest', 'newest'] as const) {
      const refused = { code: 'OPTION_INVALID', field: 'after' };
      await expect(store.list({ order, limit: 1, after })).rejects.toMatchObject(refused);
    }
  },
);

test('a cursor beyond all rows that retention has left lists nothing older', async () => {
  const { next } = await store.list({ order: 'oldest', limit: 2 });
  await store.cancel(fresh('cancel'), await store.find(all.slice(1)));
  runtime.pass(10_000);
  expect(await store.prune({ keepMs: 1_000 })).toMatchObject({ removed: 2 });
  expect(await listed('oldest', next!)).toEqual([]);
  expect(await listed('newest', next!)).toEqual(all.slice(0, 1));
});
