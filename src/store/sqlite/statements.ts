/**
 * Every SQL text of this store but the schema's.
 *
 * Law: instants and tokens are binds, by position, never made by SQL. Every guard stands on the target row. A condition
 * of a partial index is repeated word for word (`due > 0`), or the planner does not use it.
 */

import { DUE_WHEN_READY } from './schema/schema.js';

// ---- the connection -------------------------------------------------------------------------------------------------

/** For each opening; `cache_size`, `wal_autocheckpoint`, `synchronous` and `journal_mode` follow apart. */
export const SETTINGS: readonly string[] = [
  'PRAGMA journal_size_limit = 67108864',
  'PRAGMA mmap_size = 0',
  'PRAGMA temp_store = MEMORY',
];
export const JOURNAL_MODE_WAL = 'PRAGMA journal_mode = WAL';
export const SYNCHRONOUS = { normal: 'PRAGMA synchronous = NORMAL', full: 'PRAGMA synchronous = FULL' } as const;
export const autocheckpoint = (pages: 200 | 10_000): string => `PRAGMA wal_autocheckpoint = ${pages}`;

export const cacheSize = (kib: 2_000 | 16_000): string => `PRAGMA cache_size = -${kib}`;

export const DATA_VERSION = 'PRAGMA data_version';
export const PAGE_SIZE = 'PRAGMA page_size';
export const CHECKPOINT = {
  passive: 'PRAGMA wal_checkpoint(PASSIVE)',
  restart: 'PRAGMA wal_checkpoint(RESTART)',
} as const;

export const HAS_SCHEMA_INFO = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'SCHEMA_INFO'`;
export const READ_SCHEMA_INFO = 'SELECT version, oldest_allowed FROM SCHEMA_INFO';
export const WRITE_SCHEMA_INFO = 'INSERT OR REPLACE INTO SCHEMA_INFO (one, version, oldest_allowed) VALUES (1, ?, ?)';
export const OLDEST_ALLOWED = 'SELECT oldest_allowed FROM SCHEMA_INFO';

/** Reads the first page of each table itself, not of an index: a damaged file is refused when it is opened. */
export const FIRST_ROWS: readonly string[] = ['STEP_TRACKER', 'POD_HEALTH', 'WALL_CLOCK'].map(
  (table) => `SELECT 1 FROM ${table} NOT INDEXED LIMIT 1`,
);

// ---- rows -------------------------------------------------------------------------------------------------------------

// A row put in by hand may lack its type and times; promotion fills them in, and readers need not wait for that.
const RECORD = `s.step_id, coalesce(s.step_type, ''), s.payload, s.status, s.priority, s.retry_count, s.max_retries, s.crashes,
  s.version, s.run_at, s.created_ts, s.last_update_ts, s.claimed_by, s.claimed_incarnation, s.result, s.error, s.run_at_wall`;

/** What ranks a candidate; all of it stands in the index. */
const KEY = 's.rowid, s.priority, s.run_at, s.step_type';
/** What a claim is made of. */
const CANDIDATE = `${KEY}, s.step_id, s.version, s.payload, s.retry_count, s.max_retries, s.crashes, s.created_ts, s.run_at_wall`;

// ---- submit -------------------------------------------------------------------------------------------------------------

export const INSERT_STEP = `
INSERT INTO STEP_TRACKER (step_id, step_type, due, priority, run_at, max_retries, created_ts, last_update_ts, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
export const INSERT_TIMED_STEP = `
INSERT INTO STEP_TRACKER (step_id, step_type, due, priority, run_at, max_retries, created_ts, last_update_ts, payload, run_at_wall)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
export const PAYLOAD_OF = 'SELECT payload FROM STEP_TRACKER WHERE step_id = ?';

// ---- claim --------------------------------------------------------------------------------------------------------------

/** Binds: now, now, limit. */
export const PROMOTE = `
UPDATE STEP_TRACKER
SET due = ${DUE_WHEN_READY}, created_ts = iif(created_ts = 0, ?, created_ts),
  step_type = coalesce(step_type, iif(json_valid(payload), json_extract(payload, '$.type'), NULL), '')
WHERE rowid IN (
  SELECT rowid FROM STEP_TRACKER WHERE status = 'pending' AND due = 0 AND run_at <= ? ORDER BY run_at, priority DESC LIMIT ?
)`;

const READY = `s.status = 'pending' AND s.due > 0 AND s.due = ? AND s.step_type = ?`;
const RANK = 's.priority DESC, s.run_at, s.rowid';

/** Binds: due, type, limit. Whole candidates. */
export const WALK = `SELECT ${CANDIDATE} FROM STEP_TRACKER s WHERE ${READY} ORDER BY ${RANK} LIMIT ?`;
/** Binds: due, type, limit. Only what ranks them. */
export const WALK_KEYS = `SELECT ${KEY} FROM STEP_TRACKER s WHERE ${READY} ORDER BY ${RANK} LIMIT ?`;
export const CANDIDATE_AT = `SELECT ${CANDIDATE} FROM STEP_TRACKER s WHERE s.rowid = ?`;
const READY_TYPE = `SELECT s.step_type FROM STEP_TRACKER s WHERE s.status = 'pending' AND s.due > 0 AND s.due = ? AND s.step_type`;
/** The types after one that have ready steps, by one seek each: half a microsecond. Binds: due, type, due, limit. */
export const NEXT_READY_TYPES = `
WITH RECURSIVE ready(type) AS (SELECT (${READY_TYPE} > ? ORDER BY s.step_type LIMIT 1)
  UNION ALL SELECT (${READY_TYPE} > ready.type ORDER BY s.step_type LIMIT 1) FROM ready WHERE ready.type IS NOT NULL)
SELECT type FROM ready WHERE type IS NOT NULL LIMIT ?`;
export const ANY_POISON = `SELECT 1 FROM STEP_TRACKER s WHERE s.status = 'pending' AND s.due > 0 AND s.due = 2 LIMIT 1`;

// Of those that wait, by what `due` will be. One without a type was put in by hand, and is promoted before it is claimed.
const WAITING = `s.status = 'pending' AND s.due = 0 AND ${DUE_WHEN_READY} = ?`;
/** The next lower priority. Binds: due, priority. */
export const NEXT_WAITING_PRIORITY = `
SELECT s.priority FROM STEP_TRACKER s WHERE ${WAITING} AND s.priority < ? ORDER BY s.priority DESC LIMIT 1`;
/** The next type of a priority. Binds: due, priority, type. */
export const NEXT_WAITING_TYPE = `
SELECT s.step_type FROM STEP_TRACKER s WHERE ${WAITING} AND s.priority = ? AND s.step_type > ? ORDER BY s.step_type LIMIT 1`;
/** Binds: due, priority, type, now, limit. Only what ranks them. */
export const WALK_WAITING_KEYS = `
SELECT ${KEY} FROM STEP_TRACKER s WHERE ${WAITING} AND s.priority = ? AND s.step_type = ? AND s.run_at <= ?
ORDER BY s.run_at, s.rowid LIMIT ?`;

/** Binds: now, rowid. For a row that was put in by hand, and is claimed before it was promoted. */
export const DATE_ROW = 'UPDATE STEP_TRACKER SET created_ts = ? WHERE rowid = ? AND created_ts = 0';

/** Binds: now, pod, incarnation, token; rowids as a JSON array. One statement for all that were chosen: a third cheaper than one each. */
export const CLAIM = `
UPDATE STEP_TRACKER
SET status = 'claimed', due = 0, version = version + 1, last_update_ts = ?, claimed_by = ?, claimed_incarnation = ?, claim_token = ?
WHERE rowid IN (SELECT value FROM json_each(?)) AND status = 'pending'`;

/**
 * Binds: wall instant, row, wall instant, limit. The next in the order of their instants, whatever became of them. In two
 * parts, each of which seeks: a comparison of both columns at once reads again all that have the same instant.
 */
export const TIMED_AFTER = `
SELECT rowid AS step_row, run_at_wall FROM STEP_TRACKER WHERE run_at_wall IS NOT NULL AND run_at_wall = ? AND rowid > ?
UNION ALL
SELECT rowid, run_at_wall FROM STEP_TRACKER WHERE run_at_wall IS NOT NULL AND run_at_wall > ?
ORDER BY run_at_wall, step_row LIMIT ?`;
/** Binds: offset, now, offset; rowids as a JSON array. */
export const MOVE_TIMED = `
UPDATE STEP_TRACKER SET due = iif(run_at_wall - ? > ?, 0, due), run_at = run_at_wall - ?
WHERE rowid IN (SELECT value FROM json_each(?)) AND status = 'pending' AND run_at_wall IS NOT NULL`;

export const NEXT_WAITING = `
SELECT run_at, coalesce(step_type, '') FROM STEP_TRACKER WHERE status = 'pending' AND due = 0 ORDER BY run_at, priority DESC LIMIT ?`;

const CLAIMED = `s.status = 'claimed'`;
/** Binds: token, incarnation. */
export const CLAIMED_UNDER = `
SELECT ${CANDIDATE} FROM STEP_TRACKER s WHERE ${CLAIMED} AND s.claim_token = ? AND s.claimed_incarnation = ? ORDER BY ${RANK}`;
export const HELD_BY = `
SELECT s.step_id, s.claim_token, s.version FROM STEP_TRACKER s WHERE ${CLAIMED} AND s.claimed_incarnation = ?`;
export const ORPHANS = `
SELECT ${CANDIDATE}, s.claim_token, s.claimed_by, s.claimed_incarnation,
  CASE WHEN p.incarnation IS NULL THEN 'unknown' WHEN p.final IS NOT NULL THEN p.final ELSE 'asleep' END
FROM STEP_TRACKER s LEFT JOIN POD_HEALTH p ON p.incarnation = s.claimed_incarnation
WHERE ${CLAIMED} AND (p.incarnation IS NULL OR p.final IS NOT NULL OR p.asleep = 1)
ORDER BY s.last_update_ts, s.rowid LIMIT ?`;

// ---- settle ---------------------------------------------------------------------------------------------------------------

const HELD = `claim_token = ? AND version = ? AND status = 'claimed'`;
const FENCE = `step_id = ? AND ${HELD}`;
const SETTLED = `version = version + 1, last_update_ts = ?, claim_token = NULL, retry_count = retry_count + ?, crashes = crashes + ?,
  result = ?, error = ?, settled_token = claim_token, settled_version = version, settled_by = ?`;

/** Binds: status, now, charge, crash, result, error, incarnation; step, token, version. */
export const FINISH = `
UPDATE STEP_TRACKER SET status = ?, ${SETTLED} WHERE ${FENCE}`;

/** Of steps that end alike. Binds: as for FINISH, but for the steps, a JSON array. */
export const FINISH_ALIKE = `
UPDATE STEP_TRACKER SET status = ?, ${SETTLED} WHERE step_id IN (SELECT value FROM json_each(?)) AND ${HELD}`;

/** Binds: delayed 0|1, crash, run_at | null, again; now, charge, crash, result, error, incarnation; step, token, version. */
export const REQUEUE = `
UPDATE STEP_TRACKER
SET status = 'pending', due = iif(?, 0, iif(crashes + ? > 1, 2, 1)), run_at = coalesce(?, run_at),
  run_at_wall = iif(? IS NULL, run_at_wall, NULL), claimed_by = NULL, claimed_incarnation = NULL, ${SETTLED}
WHERE ${FENCE}`;

export const SETTLED_BY =
  'SELECT status, version, settled_token, settled_version, settled_by FROM STEP_TRACKER WHERE step_id = ?';

// ---- by hand --------------------------------------------------------------------------------------------------------------

/** Binds: now, token, step, version. */
export const CANCEL = `
UPDATE STEP_TRACKER
SET status = 'cancelled', due = 0, version = version + 1, last_update_ts = ?, claim_token = NULL,
  settled_token = coalesce(claim_token, settled_token), settled_version = iif(claim_token IS NULL, settled_version, version),
  settled_by = ?
WHERE step_id = ? AND version = ? AND (status = 'pending' OR status = 'claimed')`;

/** Binds: now, now, step, version. */
export const RETRY = `
UPDATE STEP_TRACKER
SET status = 'pending', due = 1, version = version + 1, last_update_ts = ?, run_at = ?, run_at_wall = NULL, retry_count = 0, crashes = 0,
  result = NULL, error = NULL, claimed_by = NULL, claimed_incarnation = NULL
WHERE step_id = ? AND version = ? AND (status = 'failed' OR status = 'cancelled')`;

// ---- readers ----------------------------------------------------------------------------------------------------------------

export const FIND = `SELECT ${RECORD} FROM STEP_TRACKER s WHERE s.step_id = ?`;

/** What has ended since, in the order of the index. Binds: ended at, ended at, rowid, limit. */
export const ENDED_FROM = `
SELECT s.last_update_ts, s.rowid, s.step_id FROM STEP_TRACKER s
WHERE s.status <> 'pending' AND s.status <> 'claimed' AND s.last_update_ts >= ? AND (s.last_update_ts, s.rowid) > (?, ?)
ORDER BY s.last_update_ts, s.rowid LIMIT ?`;
export const NEWEST_ENDING = `
SELECT max(last_update_ts) FROM STEP_TRACKER WHERE status <> 'pending' AND status <> 'claimed'`;

/** Binds: now, ids as a JSON array. */
export const CANCELLED = `
SELECT s.step_id, ? - s.last_update_ts FROM json_each(?) j JOIN STEP_TRACKER s ON s.step_id = j.value WHERE s.status = 'cancelled'`;

/** The row up to which the next piece of so many rows reaches. Binds: after, rows - 1. */
export const PIECE_END = {
  oldest: 'SELECT rowid FROM STEP_TRACKER WHERE rowid > ? ORDER BY rowid LIMIT 1 OFFSET ?',
  newest: 'SELECT rowid FROM STEP_TRACKER WHERE rowid < ? ORDER BY rowid DESC LIMIT 1 OFFSET ?',
} as const;

// A column compared with no bind at all would still have its text read: the filters are JSON arrays, or NULL for any.
const FILTER = `(? IS NULL OR s.status IN (SELECT value FROM json_each(?)))
  AND (? IS NULL OR s.step_type IN (SELECT value FROM json_each(?))) AND (? IS NULL OR s.claimed_by = ?)`;
/** Binds: after, piece's end; statuses, types and claimed by, each twice; limit. */
export const LIST = {
  oldest: `SELECT s.rowid, ${RECORD} FROM STEP_TRACKER s WHERE s.rowid > ? AND s.rowid <= ? AND ${FILTER} ORDER BY s.rowid LIMIT ?`,
  newest: `SELECT s.rowid, ${RECORD} FROM STEP_TRACKER s WHERE s.rowid < ? AND s.rowid >= ? AND ${FILTER} ORDER BY s.rowid DESC LIMIT ?`,
} as const;

/** Rows of `CountRow`. Binds: now, now, now, after, piece's end. */
export const COUNT = `
SELECT coalesce(step_type, ''), status, iif(status = 'pending', priority, 0), count(*), sum(status = 'pending' AND run_at <= ?),
  ? - min(iif(status = 'pending' AND run_at <= ?, run_at, NULL))
FROM STEP_TRACKER WHERE rowid > ? AND rowid <= ? GROUP BY 1, 2, 3`;

// ---- retention ----------------------------------------------------------------------------------------------------------------

/** Binds: ended before, limit. */
export const PRUNE_STEPS = `
DELETE FROM STEP_TRACKER WHERE rowid IN (
  SELECT rowid FROM STEP_TRACKER WHERE status <> 'pending' AND status <> 'claimed' AND last_update_ts < ? ORDER BY last_update_ts LIMIT ?
)`;
/** Binds: last heard before, limit. Never one under which something is still claimed: it would be an orphan of nobody known. */
export const PRUNE_PODS = `
DELETE FROM POD_HEALTH WHERE rowid IN (
  SELECT p.rowid FROM POD_HEALTH p
  WHERE p.final IS NOT NULL AND p.last_heartbeat_ts < ?
    AND p.incarnation NOT IN (SELECT s.claimed_incarnation FROM STEP_TRACKER s WHERE ${CLAIMED} AND s.claimed_incarnation IS NOT NULL)
  ORDER BY p.last_heartbeat_ts LIMIT ?
)`;

// ---- fleet ------------------------------------------------------------------------------------------------------------------------

/** Binds: incarnation, pod, now, now, heartbeat, dead after, meta, host's ms, boot; pid, its namespace, the process's start. */
export const REGISTER = `
INSERT INTO POD_HEALTH (incarnation, pod_id, birth_ts, last_heartbeat_ts, heartbeat_ms, dead_after_ms, meta, host_ms, boot,
  pid, pid_namespace, process_started)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (incarnation) DO UPDATE
SET last_heartbeat_ts = max(last_heartbeat_ts, excluded.last_heartbeat_ts), heartbeat_ms = excluded.heartbeat_ms,
  dead_after_ms = excluded.dead_after_ms, meta = excluded.meta, host_ms = excluded.host_ms, boot = excluded.boot, beat = beat + 1,
  pid = excluded.pid, pid_namespace = excluded.pid_namespace, process_started = excluded.process_started
WHERE final IS NULL`;

/** Binds: now, eligible, asleep, meta, host's ms, boot, incarnation. */
export const BEAT = `
UPDATE POD_HEALTH
SET last_heartbeat_ts = max(last_heartbeat_ts, ?), eligible = ?, asleep = ?, meta = ?, host_ms = ?, boot = ?, beat = beat + 1
WHERE incarnation = ? AND final IS NULL`;

export const FLEET = `
SELECT p.pod_id, p.incarnation, p.birth_ts, p.last_heartbeat_ts, p.beat, p.heartbeat_ms, p.dead_after_ms, p.eligible, p.asleep, p.meta,
  p.pid, p.pid_namespace, p.process_started, t.seq
FROM POD_HEALTH p LEFT JOIN POD_TYPES t ON t.incarnation = p.incarnation WHERE p.final IS NULL ORDER BY p.birth_ts, p.incarnation`;
export const LIFE_OF = 'SELECT final, asleep FROM POD_HEALTH WHERE incarnation = ?';

export const LEAVE = `UPDATE POD_HEALTH SET final = 'left', status = 'down' WHERE incarnation = ? AND final IS NULL`;
/** Binds: incarnation, now. */
export const EVICT = `
UPDATE POD_HEALTH SET final = 'evicted', status = 'down'
WHERE incarnation = ? AND final IS NULL AND asleep = 0 AND ? - last_heartbeat_ts > dead_after_ms`;

/** Binds: incarnation; pid, its namespace, the process's start. */
export const EVICT_EXITED = `
UPDATE POD_HEALTH SET final = 'evicted', status = 'down'
WHERE incarnation = ? AND final IS NULL AND asleep = 0
  AND pid = ? AND pid_namespace = ? AND process_started = ?`;
export const PROCESS_OF = 'SELECT pid, pid_namespace, process_started FROM POD_HEALTH WHERE incarnation = ?';

// ---- the clocks ---------------------------------------------------------------------------------------------------------------------

export const NEWEST_HEARTBEAT = 'SELECT max(last_heartbeat_ts) FROM POD_HEALTH';
export const NEWEST_STEP = 'SELECT created_ts FROM STEP_TRACKER ORDER BY rowid DESC LIMIT 1';
export const SIGNS_OF_LIFE =
  'SELECT last_heartbeat_ts, dead_after_ms, host_ms, boot FROM POD_HEALTH WHERE final IS NULL';

export const OFFSETS = 'SELECT since, offset_ms FROM WALL_CLOCK ORDER BY since';
export const NEWEST_OFFSET =
  'SELECT since, offset_ms, host_ms, boot, moved_wall, moved_row FROM WALL_CLOCK ORDER BY since DESC LIMIT 1';
/** Binds: since, offset, host's ms, boot, who; the wall instant and the row up to which timed steps have been moved. */
export const ADD_OFFSET = 'INSERT OR REPLACE INTO WALL_CLOCK VALUES (?, ?, ?, ?, ?, ?, ?)';
/** Binds: how many to keep. */
export const FORGET_OFFSETS =
  'DELETE FROM WALL_CLOCK WHERE since NOT IN (SELECT since FROM WALL_CLOCK ORDER BY since DESC LIMIT ?)';
/** Binds: wall instant | null, row | null, since. */
export const SET_MOVED = 'UPDATE WALL_CLOCK SET moved_wall = ?, moved_row = ? WHERE since = ?';
