/** What statements read from the rows of a step: its valid rows, the row that stands for it, and the columns of an answer. */
import type { ArchivedRow, StepRow } from '../tables.js';
import { claimColumns, compareText, understood } from '../values.js';

/** The stored payload as text, if there is one. */
export const kept = (row: StepRow): string | null =>
  row.payload_text ?? (row.payload === null ? null : JSON.stringify(row.payload));

/** The `row_id` of the first valid row of a step, of all its rows; `undefined` if it has none. A claim of any other row is void. */
export function firstId(rows: readonly StepRow[]): string | undefined {
  let first: string | undefined;
  for (const row of rows) {
    if ((first === undefined || row.row_id < first) && understood(row)) first = row.row_id;
  }
  return first;
}

const PROGRESS: Readonly<Record<string, number>> = { failed: 1, claimed: 2, cancelled: 3, pending: 4 };
const progress = ({ status }: StepRow): number => PROGRESS[status] ?? 0;

/** The order of the rows of a step. The first is the one that readers show. */
export const byProgress = (a: StepRow, b: StepRow): number =>
  progress(a) - progress(b) || compareText(a.row_id, b.row_id);

/** Of the rows of a step in the hot table, the one that readers show. */
export function furthest<Row extends StepRow>(rows: readonly Row[]): Row | undefined {
  return best(rows, byProgress);
}

/** Of the archived rows of a step, the one that readers show. */
export function newest(rows: readonly ArchivedRow[]): ArchivedRow | undefined {
  return best(
    rows,
    (a, b) =>
      Number(a.status !== 'completed') - Number(b.status !== 'completed') ||
      b.version - a.version ||
      compareText(a.row_id, b.row_id) ||
      a.archived_ts - b.archived_ts,
  );
}

function best<Row>(rows: readonly Row[], order: (a: Row, b: Row) => number): Row | undefined {
  let found: Row | undefined;
  for (const row of rows) if (found === undefined || order(row, found) < 0) found = row;
  return found;
}

/** The columns of a step as readers see it. */
export function recordColumns(row: StepRow): Record<string, unknown> {
  return {
    ID: row.step_id,
    ...claimColumns(row),
    ITS_VERSION: row.version,
    ITS_STATUS: row.status,
    UPDATED_AT_MS: row.last_update_ts,
    HOLDER_POD: row.claimed_by,
    HOLDER: row.claimed_incarnation,
    ITS_RESULT: row.result,
    ITS_ERROR: row.error,
  };
}

/** The key of a new row: rows sort by the time of their INSERT. */
export const newRowId = (now: number, uuid: string): string => `${String(now).padStart(15, '0')}-${uuid}`;
