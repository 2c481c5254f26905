/**
 * The SQL of promoting, claiming and finding claimed steps.
 *
 * Invariants:
 * - Every guard stands on the target row of an UPDATE.
 * - The condition of a partial index is repeated word for word (`due > 0`). Otherwise the planner does not use the index.
 * - Instants and tokens are binds, by position. SQL never makes them.
 */
import { DUE_WHEN_READY } from '../schema/schema.js';

/** The columns that rank a candidate. The index holds all of them. */
const KEY = 's.rowid, s.priority, s.run_at, s.step_type';

/** The columns of a claim. */
const CANDIDATE = `${KEY}, s.step_id, s.version, s.payload, s.retry_count, s.max_retries, s.crashes, s.created_ts, s.run_at_wall`;

/**
 * Makes steps ready whose time has come, the earliest first. A row that SQL inserted gets its type and time here.
 * Binds: now, now, limit.
 */
export const PROMOTE = `
UPDATE STEP_TRACKER
SET due = ${DUE_WHEN_READY}, created_ts = iif(created_ts = 0, ?, created_ts),
  step_type = coalesce(step_type, iif(json_valid(payload), json_extract(payload, '$.type'), NULL), '')
WHERE rowid IN (
  SELECT rowid FROM STEP_TRACKER WHERE status = 'pending' AND due = 0 AND run_at <= ? ORDER BY run_at, priority DESC LIMIT ?
)`;

/** The next steps that wait for their time. Bind: limit. */
export const NEXT_WAITING = `
SELECT run_at, coalesce(step_type, '') FROM STEP_TRACKER WHERE status = 'pending' AND due = 0 ORDER BY run_at, priority DESC LIMIT ?`;

const READY = `s.status = 'pending' AND s.due > 0 AND s.due = ? AND s.step_type = ?`;

const RANK = 's.priority DESC, s.run_at, s.rowid';

/** The first ready steps of a type, with all columns of a claim. Binds: due, type, limit. */
export const WALK = `SELECT ${CANDIDATE} FROM STEP_TRACKER s WHERE ${READY} ORDER BY ${RANK} LIMIT ?`;

/** The same, with only the columns that rank them: these are read from the index alone. Binds: due, type, limit. */
export const WALK_KEYS = `SELECT ${KEY} FROM STEP_TRACKER s WHERE ${READY} ORDER BY ${RANK} LIMIT ?`;

export const CANDIDATE_AT = `SELECT ${CANDIDATE} FROM STEP_TRACKER s WHERE s.rowid = ?`;

const READY_TYPE = `SELECT s.step_type FROM STEP_TRACKER s WHERE s.status = 'pending' AND s.due > 0 AND s.due = ? AND s.step_type`;

/**
 * The types after a given one that have ready steps. A recursive CTE makes one seek for each type (0.5 µs), where
 * DISTINCT would read every ready step. Binds: due, type, due, limit.
 */
export const NEXT_READY_TYPES = `
WITH RECURSIVE ready(type) AS (SELECT (${READY_TYPE} > ? ORDER BY s.step_type LIMIT 1)
  UNION ALL SELECT (${READY_TYPE} > ready.type ORDER BY s.step_type LIMIT 1) FROM ready WHERE ready.type IS NOT NULL)
SELECT type FROM ready WHERE type IS NOT NULL LIMIT ?`;

/** Whether any ready step has crashed two pods or more. */
export const ANY_SUSPECT = `SELECT 1 FROM STEP_TRACKER s WHERE s.status = 'pending' AND s.due > 0 AND s.due = 2 LIMIT 1`;

/**
 * Steps that wait, by the value that `due` will get. The indexed expression is repeated word for word. Steps without a
 * type (rows that SQL inserted) match no type here, and are claimed only after their promotion. Bind: due.
 */
const WAITING = `s.status = 'pending' AND s.due = 0 AND ${DUE_WHEN_READY} = ?`;

/** The next lower priority that has a waiting step. Binds: due, priority. */
export const NEXT_WAITING_PRIORITY = `
SELECT s.priority FROM STEP_TRACKER s WHERE ${WAITING} AND s.priority < ? ORDER BY s.priority DESC LIMIT 1`;

/** The next type that has a waiting step of this priority. Binds: due, priority, type. */
export const NEXT_WAITING_TYPE = `
SELECT s.step_type FROM STEP_TRACKER s WHERE ${WAITING} AND s.priority = ? AND s.step_type > ? ORDER BY s.step_type LIMIT 1`;

/** The waiting steps of a priority and type that are due, as ranking columns. Binds: due, priority, type, now, limit. */
export const WALK_WAITING_KEYS = `
SELECT ${KEY} FROM STEP_TRACKER s WHERE ${WAITING} AND s.priority = ? AND s.step_type = ? AND s.run_at <= ?
ORDER BY s.run_at, s.rowid LIMIT ?`;

/** Dates a row that SQL inserted and that is claimed before its promotion. Binds: now, rowid. */
export const DATE_ROW = 'UPDATE STEP_TRACKER SET created_ts = ? WHERE rowid = ? AND created_ts = 0';

/**
 * Claims all chosen rows with one statement, which costs a third less than one for each.
 * Binds: now, pod, incarnation, token; rowids as a JSON array.
 */
export const CLAIM = `
UPDATE STEP_TRACKER
SET status = 'claimed', due = 0, version = version + 1, last_update_ts = ?, claimed_by = ?, claimed_incarnation = ?, claim_token = ?
WHERE rowid IN (SELECT value FROM json_each(?)) AND status = 'pending'`;

const CLAIMED = `s.status = 'claimed'`;

/** The steps that an incarnation has claimed under a token. Binds: token, incarnation. */
export const CLAIMED_UNDER = `
SELECT ${CANDIDATE} FROM STEP_TRACKER s WHERE ${CLAIMED} AND s.claim_token = ? AND s.claimed_incarnation = ? ORDER BY ${RANK}`;

/** Every claim of an incarnation. Bind: incarnation. */
export const HELD_BY = `
SELECT s.step_id, s.claim_token, s.version FROM STEP_TRACKER s WHERE ${CLAIMED} AND s.claimed_incarnation = ?`;

/**
 * Claims whose incarnation has no row, is final, or sleeps; the longest held first. The last column is the reason.
 * Bind: limit.
 */
export const ORPHANS = `
SELECT ${CANDIDATE}, s.claim_token, s.claimed_by, s.claimed_incarnation,
  CASE WHEN p.incarnation IS NULL THEN 'unknown' WHEN p.final IS NOT NULL THEN p.final ELSE 'asleep' END
FROM STEP_TRACKER s LEFT JOIN POD_HEALTH p ON p.incarnation = s.claimed_incarnation
WHERE ${CLAIMED} AND (p.incarnation IS NULL OR p.final IS NOT NULL OR p.asleep = 1)
ORDER BY s.last_update_ts, s.rowid LIMIT ?`;
