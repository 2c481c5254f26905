/** What cancel and retry answer if the read after the write is late. The rows are what that read shows. */
import { beforeEach, expect, test } from 'vitest';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import type { Row } from '../../../src/store/snowflake/session/session-interface.js';
import { stepStatements } from '../../../src/store/snowflake/steps/statements.js';
import { StepChanges } from '../../../src/store/snowflake/steps/step-changes.js';
import { RepeatableInserts } from '../../../src/store/snowflake/steps/repeatable-inserts.js';

const statements = stepStatements(namesOf({ database: 'D', schema: 'S', tablePrefix: '' }));

interface Shown {
  status: string;
  version: number;
  settler?: string;
  cold?: 0 | 1;
  /** The second row of the step. */
  second?: Shown;
}

const rowsOf = (shown: Shown, place = 1): Row[] => [
  ...(shown.second === undefined ? [] : rowsOf(shown.second, place + 1)),
  {
    ...{ ID: 's', ITS_STATUS: shown.status, ITS_VERSION: shown.version, SETTLER: shown.settler ?? null },
    ...{ ITS_PLACE: place, IS_COLD: shown.cold ?? 0 },
  },
];

/** What was sent in this test. */
const sent: string[] = [];
beforeEach(() => void sent.splice(0));
const times = (statement: string): number => sent.filter((one) => one === statement).length;

/** A store whose reads show `late` until the rows are refreshed, and `current` afterwards. */
function stepsShown(late: Shown | undefined, current = late, written = { updated: 0, inserted: 0 }) {
  let shown = late;
  const run = (statement: string): Promise<Row[]> => {
    sent.push(statement);
    if (statement === statements.refresh) shown = current;
    if (statement === statements.retry) return Promise.resolve([{ 'number of rows updated': written.updated }]);
    if (statement === statements.restore) return Promise.resolve([{ 'number of rows inserted': written.inserted }]);
    return Promise.resolve(statement === statements.states && shown !== undefined ? rowsOf(shown) : []);
  };
  const session = { run };
  return new StepChanges(statements, session, new RepeatableInserts(session, statements.refresh));
}

test.each([
  ['cancelled', 'under our token', { status: 'cancelled', version: 4, settler: 'token' }],
  ['alreadyTerminal', 'by another', { status: 'cancelled', version: 4, settler: 'other' }],
  ['alreadyTerminal', 'at the version that was read, with an unknown status', { status: 'odd', version: 3 }],
  [
    'changed',
    'as open at the version that was read: the write did not find it there',
    { status: 'pending', version: 3 },
  ],
  ['changed', 'as claimed at that version', { status: 'claimed', version: 3 }],
  ['changed', 'at a newer version', { status: 'claimed', version: 4 }],
  ['changed', 'as terminal at an older version than was read', { status: 'failed', version: 2 }],
  ['alreadyTerminal', 'as completed at an older version, in another row', { status: 'completed', version: 2 }],
  [
    'alreadyTerminal',
    'as failed in another row than the one that it ended',
    { status: 'failed', version: 2, second: { status: 'cancelled', version: 4, settler: 'token' } },
  ],
  ['notFound', 'not at all', undefined],
])('cancel answers %s if the read shows the step %s', async (receipt, _, shown) => {
  expect(await stepsShown(shown).cancel('token', [{ stepId: 's', version: 3 }])).toEqual([receipt]);
});

test.each([
  ['retried', 'at a newer version', { status: 'pending', version: 4 }],
  [
    'retried',
    'with another row at a newer version',
    { status: 'pending', version: 0, second: { status: 'pending', version: 4 } },
  ],
  ['changed', 'as failed once more at a newer version', { status: 'failed', version: 6 }],
  ['changed', 'as cancelled at a newer version', { status: 'cancelled', version: 5 }],
  ['changed', 'as failed once more, in the archive', { status: 'failed', version: 6, cold: 1 as const }],
  [
    'changed',
    'as failed at the version that was read: the write did not find it there',
    { status: 'failed', version: 3 },
  ],
  ['changed', 'as cancelled at that version, in the archive', { status: 'cancelled', version: 3, cold: 1 as const }],
  ['changed', 'at an older version than was read', { status: 'claimed', version: 2 }],
  ['notRetryable', 'as open at that version', { status: 'pending', version: 3 }],
  ['notRetryable', 'as completed at an older version, in another row', { status: 'completed', version: 2 }],
  [
    'notRetryable',
    'as completed, beside the row that was read',
    { status: 'completed', version: 5, second: { status: 'cancelled', version: 3 } },
  ],
  ['notFound', 'not at all', undefined],
])('retry answers %s if the read shows the step %s', async (receipt, _, shown) => {
  expect(await stepsShown(shown).retry([{ stepId: 's', version: 3 }])).toEqual([receipt]);
});

test("retry ignores a late read of another process's retry that has failed since", async () => {
  const steps = stepsShown({ status: 'pending', version: 4 }, { status: 'failed', version: 6 });
  expect(await steps.retry([{ stepId: 's', version: 3 }])).toEqual(['changed']);
});

test('retry answers retried if its write found the row, whatever happened since', async () => {
  const failed = { status: 'failed', version: 6 };
  const steps = stepsShown(failed, failed, { updated: 1, inserted: 0 });
  expect(await steps.retry([{ stepId: 's', version: 3 }])).toEqual(['retried']);
  const both = [
    { stepId: 's', version: 3 },
    { stepId: 'other', version: 3 },
  ];
  expect(await steps.retry(both)).toEqual(['changed', 'notFound']);
});

test('retry answers retried if it has restored the row from the archive', async () => {
  const cold = { status: 'failed', version: 3, cold: 1 as const };
  const steps = stepsShown(cold, cold, { updated: 0, inserted: 1 });
  expect(await steps.retry([{ stepId: 's', version: 3 }])).toEqual(['retried']);
});

test('cancel ignores a late read of an end that was retried since', async () => {
  const steps = stepsShown({ status: 'failed', version: 4 }, { status: 'pending', version: 5 });
  expect(await steps.cancel('token', [{ stepId: 's', version: 3 }])).toEqual(['changed']);
});

test('cancel gives up in the end, if another row stays open', async () => {
  const second = { status: 'cancelled', version: 4, settler: 'token' };
  const steps = stepsShown({ status: 'claimed', version: 6, second });
  expect(await steps.cancel('token', [{ stepId: 's', version: 3 }])).toEqual(['changed']);
  expect(times(statements.cancel)).toBe(6);
});

test('retry gives up in the end, if another row stays ended', async () => {
  const steps = stepsShown({ status: 'failed', version: 3, second: { status: 'cancelled', version: 1 } });
  expect(await steps.retry([{ stepId: 's', version: 3 }])).toEqual(['changed']);
  expect(times(statements.retry)).toBe(6);
});

test('a step of one row costs a cancel one UPDATE and one SELECT, and a retry one UPDATE', async () => {
  await stepsShown({ status: 'cancelled', version: 4, settler: 'token' }).cancel('token', [
    { stepId: 's', version: 3 },
  ]);
  expect(sent).toEqual([statements.cancel, statements.states]);
  sent.splice(0);
  await stepsShown(undefined, undefined, { updated: 1, inserted: 0 }).retry([{ stepId: 's', version: 3 }]);
  expect(sent).toEqual([statements.retry]);
});
