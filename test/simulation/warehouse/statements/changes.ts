/** The models of the statements that cancel and retry steps, and of the one that writes rows unchanged. */
import type { StatementModel, StepRow } from '../tables.js';
import { newest, newRowId } from './step-rows.js';
import { distinctTexts } from './bind-lists.js';
import { elements, number, path, varchar } from '../values.js';
import { rememberLast } from './earlier-settlements.js';

/** The steps of a bind with the version that each was read at. Of a step that the bind names twice, the first entry counts. */
function atVersion(bind: unknown): ReadonlyMap<string, number | null> {
  const found = new Map<string, number | null>();
  for (const step of elements(path(bind, 'steps'))) {
    const id = varchar(path(step, 'id'));
    if (id !== null && !found.has(id)) found.set(id, number(path(step, 'version')));
  }
  return found;
}

export const cancel: StatementModel = (_, { bind }) => ({
  rows: [],
  // Every row is written: the one that is ended anew, all others unchanged.
  update: [...atVersion(bind)].map(([step_id, version]) => ({
    step_id,
    guard: () => true,
    change: (row, now) =>
      row.version === version && (row.status === 'pending' || row.status === 'claimed')
        ? cancelled(row, varchar(path(bind, 'token')), now)
        : row,
  })),
});

const cancelled = (row: StepRow, canceller: string | null, now: number): StepRow => ({
  ...row,
  status: 'cancelled',
  version: row.version + 1,
  last_update_ts: now,
  claim_token: null,
  settled_token: row.claim_token ?? row.settled_token,
  settled_version: row.claim_token === null ? row.settled_version : row.version,
  settled_by: canceller,
  earlier_settlements: rememberLast(row),
});

/** What a step is once it was retried by hand. */
const again = (row: StepRow, now: number): StepRow => ({
  ...row,
  status: 'pending',
  version: row.version + 1,
  last_update_ts: now,
  run_at: now,
  far_run_at: null,
  retry_count: 0,
  crashes: 0,
  result: null,
  error: null,
  claim_token: null,
  claimed_by: null,
  claimed_incarnation: null,
});

/** Without `each`, it leaves out the steps that have several rows, as far as it sees. */
export const retry: StatementModel = (view, { bind }) => ({
  rows: [],
  update: [...atVersion(bind)]
    .filter(([stepId]) => number(path(bind, 'each')) === 1 || view.stepsById(stepId).length <= 1)
    .map(([step_id, version]) => ({
      step_id,
      guard: ({ version: at, status }) => at === version && (status === 'failed' || status === 'cancelled'),
      change: again,
    })),
});

/** Brings steps back that only the archive has. */
export const restore: StatementModel = (view, { now, bind, uuid }) => {
  const insertSteps = [...atVersion(bind)].flatMap(([id, version]) => {
    const cold = view.stepsById(id).length > 0 ? undefined : newest(view.archivedById(id));
    if (cold === undefined) return [];
    if (cold.version !== version || (cold.status !== 'failed' && cold.status !== 'cancelled')) return [];
    const { archived_ts: _archived, ...row } = cold;
    return [{ ...again(row, now), row_id: newRowId(now, uuid()) }];
  });
  return { rows: [], insertSteps };
};

/** Every row of the given steps, as it is. */
export const refresh: StatementModel = (_, { bind }) => ({
  rows: [],
  update: [...distinctTexts(bind)].flatMap((step_id) =>
    step_id === null ? [] : [{ step_id, guard: () => true, change: (row: StepRow) => row }],
  ),
});
