/** What statements read from the rows of a step: its valid rows, the row that stands for it, and the columns of an answer. */
import type { ArchivedRow, StepRow } from '../tables.js';
import { compare, part, text } from './values.js';

const LARGEST = 9007199254740000;

export const isTerminal = (status: string): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** A row that was inserted by hand may have its type in its payload alone. */
export const typeOf = (row: StepRow): string | null => row.step_type ?? text(part(row.payload, 'type'));

const payloadOf = (row: StepRow): string => kept(row) ?? '{}';

/** The stored payload as text, if there is one. */
export const kept = (row: StepRow): string | null =>
  row.payload_text ?? (row.payload === null ? null : JSON.stringify(row.payload));

const isCountable = (n: number): boolean => n >= 0 && n <= LARGEST;
const isWithin = (n: number): boolean => n >= -LARGEST && n <= LARGEST;

/** Whether a row is a valid step. Others were written by hand, and the exchange ignores them. */
export function understood(row: StepRow): boolean {
  if (isTerminal(row.status)) return true;
  if (row.status !== 'pending' && (row.status !== 'claimed' || row.claim_token === null)) return false;
  return (
    typeOf(row) !== null &&
    isCountable(row.version) &&
    isCountable(row.retry_count) &&
    isCountable(row.crashes) &&
    isCountable(row.max_retries) &&
    isWithin(row.priority) &&
    isWithin(row.far_run_at ?? 0)
  );
}

/** The `row_id` of the first valid row of a step, of all its rows; `undefined` if it has none. A claim of any other row is void. */
export function firstId(rows: readonly StepRow[]): string | undefined {
  let first: string | undefined;
  for (const row of rows) {
    if ((first === undefined || row.row_id < first) && understood(row)) first = row.row_id;
  }
  return first;
}

const progress = ({ status }: StepRow): number => (status === 'pending' ? 2 : status === 'claimed' ? 1 : 0);

/** Of the rows of a step in the hot table, the one that readers show. */
export function furthest<Row extends StepRow>(rows: readonly Row[]): Row | undefined {
  return best(rows, (a, b) => progress(a) - progress(b) || compare(a.row_id, b.row_id));
}

/** Of the archived rows of a step, the one that readers show. */
export function newest(rows: readonly ArchivedRow[]): ArchivedRow | undefined {
  return best(rows, (a, b) => b.version - a.version || compare(a.row_id, b.row_id) || a.archived_ts - b.archived_ts);
}

function best<Row>(rows: readonly Row[], order: (a: Row, b: Row) => number): Row | undefined {
  let found: Row | undefined;
  for (const row of rows) if (found === undefined || order(row, found) < 0) found = row;
  return found;
}

/** The columns of a claim. */
export function claimColumns(row: StepRow): Record<string, unknown> {
  return {
    ITS_TYPE: typeOf(row),
    ITS_PAYLOAD: payloadOf(row),
    ITS_PRIORITY: row.priority,
    RETRIES: row.retry_count,
    MOST_RETRIES: row.max_retries,
    STRUCK: row.crashes,
    RUN_AT_MS: row.far_run_at ?? row.run_at,
    CREATED_AT_MS: row.created_ts,
  };
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
