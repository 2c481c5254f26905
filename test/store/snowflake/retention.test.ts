/** The statements that housekeeping sends, by what there is to do. The test plays the session. */
import { expect, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import type { HousekeepingStatements } from '../../../src/store/snowflake/housekeeping/statements.js';
import { Retention } from '../../../src/store/snowflake/housekeeping/retention.js';
import type { Row } from '../../../src/store/snowflake/session/session-interface.js';

const STATEMENTS: HousekeepingStatements = {
  ...{ chores: 'chores', dedupe: 'dedupe', unload: 'unload', pruneRequests: 'pruneRequests' },
  ...{ pruneHeartbeats: 'pruneHeartbeats', forgetPods: 'forgetPods', forgetUnregistered: 'forgetUnregistered' },
  archive: () => 'archive',
  pruneArchive: () => 'pruneArchive',
};
const ALL = [
  'dedupe',
  'archive',
  'pruneArchive',
  'pruneRequests',
  'pruneHeartbeats',
  'forgetPods',
  'forgetUnregistered',
];
const HOUR = 3_600_000;

/** @param looks how much there is of each chore, look by look @param deleted how many rows each DELETE removes */
function pruning(looks: Record<string, number>[], deleted = 1) {
  const sent: { readonly statement: string; readonly bind: any }[] = [];
  const run = async (statement: string, bind?: string): Promise<Row[]> => {
    sent.push({ statement, bind: bind === undefined ? undefined : JSON.parse(bind) });
    if (statement !== 'chores') return [{ 'number of rows deleted': deleted }];
    return Object.entries(looks.shift() ?? {}).map(([chore, many]) => ({ CHORE: chore, MANY: many }));
  };
  const log = createLog('test');
  const retention = new Retention({ statements: STATEMENTS, session: { run }, log, chunk: 10 });
  return { retention, sent, names: () => sent.map(({ statement }) => statement) };
}

const each = (many: number): Record<string, number> => Object.fromEntries(ALL.map((chore) => [chore, many]));

test('sends one SELECT if there is nothing to do', async () => {
  const { retention, names } = pruning([each(0)]);
  expect(await retention.prune(HOUR)).toEqual({ removed: 0, more: false });
  expect(names()).toEqual(['chores']);
});

test('never deletes the registration of a pod and its other rows in one cycle', async () => {
  const { retention, names } = pruning([each(1), each(0)]);
  await retention.prune(HOUR);
  expect(names()).toEqual([
    ...['chores', 'forgetUnregistered', 'forgetPods', 'pruneHeartbeats', 'pruneRequests', 'dedupe'],
    ...['archive', 'unload', 'chores'],
  ]);
});

test('keeps steps hot, and pods in the log, for longer than a statement can be running', async () => {
  const { retention, sent } = pruning([each(0), each(0)]);
  await retention.prune(0);
  await retention.prune(10 * HOUR + 0.5);
  expect(sent.map(({ bind }) => bind)).toEqual([
    { hotMs: 900_000, keepMs: 900_000, windowMs: 300_000, forgetMs: HOUR, asleepMs: 14 * 24 * HOUR },
    { hotMs: 900_000, keepMs: 10 * HOUR + 1, windowMs: 300_000, forgetMs: 10 * HOUR + 1, asleepMs: 14 * 24 * HOUR },
  ]);
});

test('reports more to do after a full chunk, or if archiving left steps behind', async () => {
  const full = pruning([{ pruneArchive: 50 }], 10);
  expect(await full.retention.prune(HOUR)).toEqual({ removed: 10, more: true });
  const last = pruning([{ pruneArchive: 9 }], 9);
  expect(await last.retention.prune(HOUR)).toEqual({ removed: 9, more: false });
  const moved = pruning([{ archive: 50 }, { archive: 40 }], 10);
  expect(await moved.retention.prune(HOUR)).toEqual({ removed: 0, more: true });
  const stuck = pruning([{ archive: 50 }, { archive: 50 }], 0); // nothing moves: asking again would not help
  expect(await stuck.retention.prune(HOUR)).toEqual({ removed: 0, more: false });
  const done = pruning([{ archive: 5 }, { archive: 0, pruneArchive: 5 }], 5);
  expect(await done.retention.prune(HOUR)).toEqual({ removed: 5, more: false });
});
