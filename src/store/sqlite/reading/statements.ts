/** The SQL that reads steps: by id, as lists, as counts, and by when they ended. */

// A row that SQL inserted may lack its type until it is promoted. Readers do not wait for that.
const RECORD = `s.step_id, coalesce(s.step_type, ''), s.payload, s.status, s.priority, s.retry_count, s.max_retries, s.crashes,
  s.version, s.run_at, s.created_ts, s.last_update_ts, s.claimed_by, s.claimed_incarnation, s.result, s.error, s.run_at_wall`;

export const FIND = `SELECT ${RECORD} FROM STEP_TRACKER s WHERE s.step_id = ?`;

/** The steps that ended at or after an instant, in the order of the index. Binds: ended at, ended at, rowid, limit. */
export const ENDED_FROM = `
SELECT s.last_update_ts, s.rowid, s.step_id FROM STEP_TRACKER s
WHERE s.status <> 'pending' AND s.status <> 'claimed' AND s.last_update_ts >= ? AND (s.last_update_ts, s.rowid) > (?, ?)
ORDER BY s.last_update_ts, s.rowid LIMIT ?`;

export const NEWEST_ENDING = `
SELECT max(last_update_ts) FROM STEP_TRACKER WHERE status <> 'pending' AND status <> 'claimed'`;

/** Which of these steps were cancelled, and how long ago. Binds: now, step ids as a JSON array. */
export const CANCELLED = `
SELECT s.step_id, ? - s.last_update_ts FROM json_each(?) j JOIN STEP_TRACKER s ON s.step_id = j.value WHERE s.status = 'cancelled'`;

/** The last row of the next piece of a scan. Binds: after, rows in a piece - 1. */
export const PIECE_END = {
  oldest: 'SELECT rowid FROM STEP_TRACKER WHERE rowid > ? ORDER BY rowid LIMIT 1 OFFSET ?',
  newest: 'SELECT rowid FROM STEP_TRACKER WHERE rowid < ? ORDER BY rowid DESC LIMIT 1 OFFSET ?',
} as const;

// Each of the last three is a JSON array or a text, or NULL for any. With NULL, SQLite does not read the column's text.
const FILTER = `s.created_ts >= ? AND s.created_ts < ? AND (? IS NULL OR s.status IN (SELECT value FROM json_each(?)))
  AND (? IS NULL OR s.step_type IN (SELECT value FROM json_each(?))) AND (? IS NULL OR s.claimed_by = ?)`;

/** Binds: after, piece's end; the earliest and the first later instant of creation, by the store's clock; statuses, types and claimed by, each twice; limit. */
export const LIST = {
  oldest: `SELECT s.rowid, ${RECORD} FROM STEP_TRACKER s WHERE s.rowid > ? AND s.rowid <= ? AND ${FILTER} ORDER BY s.rowid LIMIT ?`,
  newest: `SELECT s.rowid, ${RECORD} FROM STEP_TRACKER s WHERE s.rowid < ? AND s.rowid >= ? AND ${FILTER} ORDER BY s.rowid DESC LIMIT ?`,
} as const;

/** Rows of `CountRow`. Binds: now, now, now, after, piece's end. */
export const COUNT = `
SELECT coalesce(step_type, ''), status, iif(status = 'pending', priority, 0), count(*), sum(status = 'pending' AND run_at <= ?),
  ? - min(iif(status = 'pending' AND run_at <= ?, run_at, NULL))
FROM STEP_TRACKER WHERE rowid > ? AND rowid <= ? GROUP BY 1, 2, 3`;
