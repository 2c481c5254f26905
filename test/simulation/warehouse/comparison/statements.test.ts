/** The models of the statements against their texts. `npm run sim:statements` tries many more states. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BED_MS, describeOnTestBed } from '../../../support/warehouse/suite.js';
import { cancel, retry } from '../statements/changes.js';
import { dedupe, unload } from '../statements/retention.js';
import { pruneHeartbeats } from '../statements/log-pruning.js';
import { fleet, orphans } from '../statements/pods.js';
import type { Effect, StatementModel } from '../tables.js';
import { ALL, described } from './all.js';
import { Comparer, type CompareOptions, type Deviation } from './compare.js';
import { EmulatedTables } from './emulated-tables.js';

const STATES = 200;
/** A wrong model shows within so many states of its statement. */
const MOST_STATES = 60;

describeOnTestBed('the models of the statements', () => {
  let emulated: EmulatedTables;
  beforeAll(async () => {
    emulated = await EmulatedTables.open();
  }, BED_MS);
  afterAll(() => emulated?.close());

  async function deviation(options: CompareOptions, states: number): Promise<Deviation | undefined> {
    const comparer = new Comparer(emulated, options);
    for (let seed = 1; seed <= states; seed++) {
      const { deviation: found } = await comparer.run(seed);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  test(`answer and leave the same rows as the texts, over ${STATES} random states`, { timeout: 300_000 }, async () => {
    const found = await deviation(ALL, STATES);
    expect(found && described(found)).toBeUndefined();
  });

  const {
    cancel: compared,
    dedupe: duplicates,
    unload: archived,
    pruneHeartbeats: beats,
    fleet: pods,
    retry: again,
    orphans: lost,
  } = ALL.comparisons;
  const changed =
    (model: StatementModel, change: (effect: Effect) => Partial<Effect>): StatementModel =>
    (view, context) => {
      const effect = model(view, context);
      return { ...effect, ...change(effect) };
    };
  const WRONG: readonly (readonly [
    what: string,
    of: string,
    comparison: CompareOptions['comparisons'][string] | undefined,
    is: StatementModel,
  ])[] = [
    [
      'a cancel without the guard on the version',
      'steps.cancel',
      compared,
      changed(cancel, ({ update = [] }) => ({
        update: update.map((one) => ({ ...one, guard: ({ status }) => status === 'pending' || status === 'claimed' })),
      })),
    ],
    [
      'a retry that keeps the crashes',
      'steps.retry',
      again,
      changed(retry, ({ update = [] }) => ({
        update: update.map((one) => ({
          ...one,
          change: (row, now) => ({ ...one.change(row, now), crashes: row.crashes }),
        })),
      })),
    ],
    [
      'a removal of duplicates whose target is not pending any more',
      'housekeeping.dedupe',
      duplicates,
      changed(dedupe, ({ deleteSteps = [] }) => ({
        deleteSteps: deleteSteps.map((one) => ({ ...one, guard: (row) => one.guard({ ...row, status: 'pending' }) })),
      })),
    ],
    [
      'an unloading of rows that have just ended',
      'housekeeping.unload',
      archived,
      changed(unload, ({ deleteSteps = [] }) => ({
        deleteSteps: deleteSteps.map((one) => ({ ...one, guard: (row) => one.guard({ ...row, last_update_ts: 0 }) })),
      })),
    ],
    [
      'a removal of heartbeats one ms too early',
      'housekeeping.pruneHeartbeats',
      beats,
      (view, context) => pruneHeartbeats(view, { ...context, now: context.now + 1 }),
    ],
    ['a fleet in another order', 'pods.fleet', pods, changed(fleet, ({ rows }) => ({ rows: [...rows].reverse() }))],
    [
      'orphans one ms too early',
      'pods.orphans',
      lost,
      (view, context) => orphans(100)(view, { ...context, now: context.now + 1 }),
    ],
  ];

  test.each(WRONG)('finds %s', { timeout: 120_000 }, async (_what, of, comparison, is) => {
    if (comparison === undefined) throw new Error(`no comparison of ${of}`);
    const found = await deviation({ comparisons: { only: comparison }, model: { of, is } }, MOST_STATES);
    expect(found?.statement).toBe('only');
  });
});
