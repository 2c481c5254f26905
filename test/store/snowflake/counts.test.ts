/** The counts of steps, from the rows that the server answers. */
import { expect, it } from 'vitest';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import type { Row, StatementRunner } from '../../../src/store/snowflake/session/session-interface.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { StepReads } from '../../../src/store/snowflake/steps/step-reads.js';
import { countingRuntime, type CountingRuntime } from '../../support/counting-runtime.js';

const { steps: statements } = statementsOf(namesOf({ database: 'D', schema: 'S', tablePrefix: '' }));

/** The steps of a server that answers with these rows. */
function stepsOf(rows: Row[], runtime: CountingRuntime): StepReads {
  const session: StatementRunner = { run: (text) => Promise.resolve(text === statements.stats ? rows : []) };
  return new StepReads(statements, session, runtime);
}

const row = (type: string, status: string, steps: number, over: Row = {}): Row => ({
  ...{ ITS_TYPE: type, ITS_STATUS: status, ITS_PRIORITY: 0, STEPS: steps },
  ...{ DUE_COUNT: 0, OLDEST_DUE_MS: null, ...over },
});

it('counts 50,000 types in slices', async () => {
  const types = Array.from({ length: 50_000 }, (_, i) => `type-${i}`);
  const pending = types.map((type, i) =>
    row(type, 'pending', 2, { ITS_PRIORITY: i - 9, DUE_COUNT: 1, OLDEST_DUE_MS: i }),
  );
  const runtime = countingRuntime();
  const stats = await stepsOf([...pending, row('type-7', 'completed', 5)], runtime).stats();
  // Reading the rows, making the records of the types, and those of the priorities: each yields so often.
  expect(runtime.yields).toBeGreaterThan(3 * 500);
  expect(Object.keys(stats.byType)).toEqual(types);
  expect(stats.byType['type-7']).toEqual({ pending: 2, claimed: 0, completed: 5, failed: 0, cancelled: 0 });
  expect(stats.pendingByPriority['-9']).toBe(2);
  expect(stats).toMatchObject({ due: 50_000, oldestDueMs: 49_999, byStatus: { pending: 100_000, completed: 5 } });
});

it('leaves out rows that were written by hand, and accepts any type name', async () => {
  const rows = [row('__proto__', 'failed', 1), row('a', 'unheard of', 8), row('', 'cancelled', 1)];
  const stats = await stepsOf(rows, countingRuntime()).stats();
  expect(Object.entries(stats.byType)).toEqual([
    ['__proto__', { pending: 0, claimed: 0, completed: 0, failed: 1, cancelled: 0 }],
    ['', { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 1 }],
  ]);
  expect(stats).toMatchObject({ due: 0, oldestDueMs: null, byStatus: { failed: 1, cancelled: 1 } });
});
