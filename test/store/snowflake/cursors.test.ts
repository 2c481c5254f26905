/** List cursors that no page has ended with. */
import { expect, test } from 'vitest';
import type { ListFilter } from '../../../src/store/contract.js';
import { ids, newStep } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const [FIRST, LAST] = [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
const LONG = 'm'.repeat(255);

describeOnTestBed('a cursor', { timeout: 60_000 }, () => {
  const { open } = useStores();

  test('lists what comes after it, at any instant and with any id', async () => {
    const store = await open();
    await store.submit(['a', LONG, 'z'].map((stepId) => newStep({ stepId })));
    const { createdAt } = (await store.find([LONG]))[0]!; // one statement, one instant: the ids decide
    const all = ['a', LONG, 'z'];
    const cases: [after: string, oldest: string[], newest: string[]][] = [
      [JSON.stringify([FIRST, 'z']), all, []],
      [JSON.stringify([0, '']), all, []],
      [JSON.stringify([LAST, '']), [], ['z', LONG, 'a']],
      [JSON.stringify([LAST, LONG]), [], ['z', LONG, 'a']],
      [JSON.stringify([createdAt, '']), all, []],
      [JSON.stringify([createdAt, LONG]), ['z'], ['a']],
      [JSON.stringify([createdAt, LONG.slice(1)]), [LONG, 'z'], ['a']],
      [JSON.stringify([createdAt, `${LONG}m`]), ['z'], [LONG, 'a']],
      [` [ ${createdAt} , "\\u006d'; -- \\"🚀" ] `, [LONG, 'z'], ['a']],
    ];
    const listed = async (order: ListFilter['order'], after: string) =>
      ids((await store.list({ order, limit: 10, after })).steps);
    for (const [after, oldest, newest] of cases) {
      expect([after, await listed('oldest', after)]).toEqual([after, oldest]);
      expect([after, await listed('newest', after)]).toEqual([after, newest]);
    }
  });

  test.each([
    '[9007199254740992,"a"]',
    '[-1e300,"a"]',
    '[1e999,"a"]',
    '[0.5,"a"]',
    '["1","a"]',
    '[01,"a"]',
    '[1,null]',
    '[1,["a"]]',
    '[1,"\\ud800"]',
  ])('is refused if no step can be there: %s', async (after) => {
    const store = await open();
    const refused = { code: 'OPTION_INVALID', field: 'after' };
    await expect(store.list({ order: 'oldest', limit: 1, after })).rejects.toMatchObject(refused);
  });
});
