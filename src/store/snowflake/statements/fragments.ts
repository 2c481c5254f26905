/** Fragments of SQL that several statements share. */
import { STEP_COLUMNS } from '../columns.js';
import type { Names } from '../table-names.js';

/** A common table expression. Its comment belongs beside it in TypeScript: what is in the text is sent with each statement. */
export const cte = (name: string, query: string): string => `${name} AS (\n  ${query}\n)`;

/** The head of a statement with these common table expressions, in the order in which they read each other. */
export const withCtes = (...ctes: readonly string[]): string => `WITH ${ctes.join(', ')}`;

/** A validated count, to be inlined. */
export function count(n: number): string {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`not a count: ${n}`);
  return String(n);
}

/** The instant the given ms before now. */
export const ago = (ms: string): string => `DATEADD(millisecond, -${ms}, SYSDATE())`;
/**
 * Whether a request is not older than `ms`. One that is dated ahead counts only within a minute, which is more than the clocks of an
 * account differ: it was written by hand, and would count for as long as its date lies ahead.
 */
export const askedWithin = (ms: string): string =>
  `r.asked_ts > ${ago(ms)} AND r.asked_ts < DATEADD(millisecond, 60000, SYSDATE())`;
/** Not from a text, because the account's TIMESTAMP_INPUT_FORMAT decides how a text is read. */
const EPOCH = `TO_TIMESTAMP_NTZ(0, 3)`;
/** An instant as epoch ms. Instants travel as numbers. */
export const epochMs = (instant: string): string => `DATEDIFF(millisecond, ${EPOCH}, ${instant})`;
const LAST_INSTANT = '253402300799000';
/** Epoch ms as an instant. Beyond the year 9999, where TIMESTAMP ends, it is the last second of that year. */
export const instantOf = (ms: string): string =>
  `DATEADD(millisecond, IFF(${ms} > ${LAST_INSTANT}, ${LAST_INSTANT}, ${ms}), ${EPOCH})`;
export const isBeyond = (ms: string): string => `${ms} > ${LAST_INSTANT}`;

export const columnsOf = (alias: string): string => STEP_COLUMNS.map((column) => `${alias}.${column}`).join(', ');

/** The type of a step. A row that was inserted by hand may have it in its payload alone. */
export const typeOf = (alias: string): string => `COALESCE(${alias}.step_type, ${alias}.payload:type::VARCHAR)`;
const payloadOf = (alias: string): string => `COALESCE(${alias}.payload_text, TO_JSON(${alias}.payload), '{}')`;
const runAtOf = (alias: string): string => `COALESCE(${alias}.far_run_at, ${epochMs(`${alias}.run_at`)})`;

/** Whether a value is an array that a pod may have sent. No real request has a tenth of this length. */
export const isList = (value: string): string => `(IS_ARRAY(${value}) AND ARRAY_SIZE(${value}) <= 10000)`;

/** JavaScript holds such numbers exactly, and a statement can still add to them. */
const LARGEST = '9007199254740000';
const countable = (column: string): string => `${column} BETWEEN 0 AND ${LARGEST}`;

/**
 * Whether a row is a valid step: its status is one of ours, and if it has not ended, it has a type, numbers within limits, and a
 * token if it is claimed.
 *
 * Other rows were written by hand. The exchange ignores them: one number that overflows would fail the UPDATE of the whole
 * fleet.
 */
export const understood = (alias: string): string => `(${alias}.status IN ('completed', 'failed', 'cancelled')
    OR (${alias}.status = 'pending' OR (${alias}.status = 'claimed' AND ${alias}.claim_token IS NOT NULL)) AND ${typeOf(alias)} IS NOT NULL
    AND ${['version', 'retry_count', 'crashes', 'max_retries'].map((column) => countable(`${alias}.${column}`)).join(' AND ')}
    AND ${alias}.priority BETWEEN -${LARGEST} AND ${LARGEST} AND COALESCE(${alias}.far_run_at, 0) BETWEEN -${LARGEST} AND ${LARGEST})`;

/** For each step its first row, and how many of its rows are claimed or have ended. A claim of any other row is void. */
export const firstRows = (names: Names): string =>
  `SELECT o.step_id AS its_step, MIN(o.row_id) AS first_id, COUNT(IFF(o.status = 'pending', NULL, 1)) AS taken
  FROM ${names.stepTracker} o WHERE ${understood('o')} GROUP BY o.step_id`;

/** The columns of a claim. */
export const claimColumns = (
  alias: string,
): string => `${typeOf(alias)} AS its_type, ${payloadOf(alias)} AS its_payload,
  ${alias}.priority AS its_priority, ${alias}.retry_count AS retries, ${alias}.max_retries AS most_retries, ${alias}.crashes AS struck,
  ${runAtOf(alias)} AS run_at_ms, ${epochMs(`${alias}.created_ts`)} AS created_at_ms`;

/** The columns of a step as readers see it. */
export const recordColumns = (
  alias: string,
): string => `${alias}.step_id AS id, ${claimColumns(alias)}, ${alias}.version AS its_version,
  ${alias}.status AS its_status, ${epochMs(`${alias}.last_update_ts`)} AS updated_at_ms, ${alias}.claimed_by AS holder_pod,
  ${alias}.claimed_incarnation AS holder, ${alias}.result AS its_result, ${alias}.error AS its_error`;

/**
 * The order of the rows of a step: completed, failed, claimed, cancelled, pending, and then by `row_id`.
 *
 * A claimed row goes before a cancelled one: a cancel that reads late may have ended the second row alone, and the claim still holds.
 */
export const byProgress = (alias: string): string =>
  `CASE ${alias}.status WHEN 'pending' THEN 4 WHEN 'cancelled' THEN 3 WHEN 'claimed' THEN 2 WHEN 'failed' THEN 1 ELSE 0 END, ${alias}.row_id`;
/** The place of a row among the rows of its step, from 1. */
export const placeOf = (alias: string): string =>
  `ROW_NUMBER() OVER (PARTITION BY ${alias}.step_id ORDER BY ${byProgress(alias)})`;
/** Of several rows of a step, the one that readers show. */
export const furthest = (alias: string): string => `${placeOf(alias)} = 1`;
/** Of several archived rows of a step, one that is completed, else one of the highest version. Nothing leads on from a completed row. */
export const newest = (alias: string): string =>
  `ROW_NUMBER() OVER (PARTITION BY ${alias}.step_id ORDER BY IFF(${alias}.status = 'completed', 0, 1), ${alias}.version DESC, ${alias}.row_id, ${alias}.archived_ts) = 1`;

/** The key of a new row. It is made by the statement and never bound, because a resend repeats its binds. Rows sort by the time of their INSERT. */
export const newRowId = (now: string): string => `LPAD(${epochMs(now)}::VARCHAR, 15, '0') || '-' || UUID_STRING()`;

/**
 * Two CTEs: `sign`, every sign of life, and `life`, one row for each incarnation.
 *
 * `sign` also takes the requests of the exchange: a pod that claims is alive, even if its heartbeat is late. `life` orders the
 * signs by the incarnation's own sequence number, never by time, so a sign that lands late changes nothing. `seq` is NULL for
 * 'evicted', which another pod wrote. A value that the newest sign does not carry comes from the newest sign that does.
 */
export const life = (names: Names): string => `sign AS (
  SELECT pod_id, incarnation, seq, event, at_ts, heartbeat_ms, dead_after_ms, eligible, meta_text FROM ${names.podLog}
  UNION ALL
  SELECT pod_id, incarnation, seq, 'request', asked_ts, NULL, NULL, NULL, NULL FROM ${names.exchangeRequest}
), life AS (
  SELECT incarnation, MIN(pod_id) AS its_pod, MIN(IFF(event = 'registered', at_ts, NULL)) AS birth_ts, MAX(IFF(seq IS NULL, NULL, at_ts)) AS heard_ts,
    MAX(seq) AS beat, MAX_BY(event, seq) AS newest_event, MAX(IFF(event = 'evicted', 1, 0)) AS was_evicted, MAX(IFF(event = 'left', 1, 0)) AS has_left,
    MAX_BY(heartbeat_ms, IFF(heartbeat_ms IS NULL, NULL, seq)) AS its_heartbeat_ms, MAX_BY(dead_after_ms, IFF(dead_after_ms IS NULL, NULL, seq)) AS its_dead_after_ms,
    MAX_BY(meta_text, IFF(event = 'registered', seq, NULL)) AS first_meta,
    MAX_BY(eligible, IFF(eligible IS NULL, NULL, seq)) AS is_eligible, MAX_BY(meta_text, IFF(meta_text IS NULL, NULL, seq)) AS its_meta
  FROM sign GROUP BY incarnation
)`;
export const LIVING = 'birth_ts IS NOT NULL AND was_evicted = 0 AND has_left = 0';
