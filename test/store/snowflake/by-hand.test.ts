/** What cancel and retry answer where the read that follows the write is late. The rows are what that read shows. */
import { expect, test } from 'vitest';
import { VirtualRuntime } from '../../../src/runtime/virtual.js';
import { namesOf } from '../../../src/store/snowflake/names.js';
import type { Row } from '../../../src/store/snowflake/session/session.js';
import { stepStatements } from '../../../src/store/snowflake/steps/statements.js';
import { Steps } from '../../../src/store/snowflake/steps/steps.js';

const statements = stepStatements(namesOf({ database: 'D', schema: 'S', tablePrefix: '' }));

/** A store whose writes change nothing, and whose reads show this. */
function stepsShown(
  shown: { status: string; version: number; highest?: number; settler?: string; cold?: 0 | 1 } | undefined,
) {
  const row = shown && {
    ...{ ID: 's', ITS_STATUS: shown.status, ITS_VERSION: shown.version, SETTLER: shown.settler ?? null },
    ...{ HIGHEST_VERSION: shown.highest ?? shown.version, IS_COLD: shown.cold ?? 0 },
  };
  const run = (statement: string): Promise<Row[]> =>
    Promise.resolve(statement === statements.states && row !== undefined ? [row] : []);
  const parts = { statements, session: { run }, runtime: new VirtualRuntime() };
  return new Steps({ ...parts, pause: () => Promise.resolve(), staleReadMs: 0 });
}

test.each([
  ['cancelled', 'under our token', { status: 'cancelled', version: 4, settler: 'token' }],
  ['alreadyTerminal', 'by another', { status: 'cancelled', version: 4, settler: 'other' }],
  ['alreadyTerminal', 'at the version that was read, where its status is unknown', { status: 'odd', version: 3 }],
  [
    'changed',
    'as open at the version that was read: the write did not find it there',
    { status: 'pending', version: 3 },
  ],
  ['changed', 'as claimed at that version', { status: 'claimed', version: 3 }],
  ['changed', 'at a newer version', { status: 'claimed', version: 4 }],
  ['changed', 'as terminal at an older version than was read', { status: 'failed', version: 2 }],
  ['notFound', 'not at all', undefined],
])('cancel answers %s where the step is shown %s', async (receipt, _, shown) => {
  expect(await stepsShown(shown).cancel('token', [{ stepId: 's', version: 3 }])).toEqual([receipt]);
});

test.each([
  ['retried', 'at a newer version', { status: 'pending', version: 4 }],
  ['retried', 'with another row at a newer version', { status: 'failed', version: 3, highest: 4 }],
  [
    'changed',
    'as failed at the version that was read: the write did not find it there',
    { status: 'failed', version: 3 },
  ],
  ['changed', 'as cancelled at that version, in the archive', { status: 'cancelled', version: 3, cold: 1 as const }],
  ['changed', 'at an older version than was read', { status: 'claimed', version: 2 }],
  ['notRetryable', 'as open at that version', { status: 'pending', version: 3 }],
  ['notFound', 'not at all', undefined],
])('retry answers %s where the step is shown %s', async (receipt, _, shown) => {
  expect(await stepsShown(shown).retry([{ stepId: 's', version: 3 }])).toEqual([receipt]);
});
