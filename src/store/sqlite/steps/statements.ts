/**
 * The SQL that inserts, settles, cancels, retries, repairs and deletes steps.
 *
 * Invariants:
 * - Every guard stands on the target row: the fence is compared in the WHERE clause of the UPDATE itself.
 * - Instants and tokens are binds, by position. SQL never makes them.
 */

/** Inserts a step if there is none with its id. Binds: step, type, due, priority, run_at, max_retries, now, now, payload. */
export const INSERT_STEP = `
INSERT INTO STEP_TRACKER (step_id, step_type, due, priority, run_at, max_retries, created_ts, last_update_ts, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** A step with a `runAt`. Binds: as for {@link INSERT_STEP}, then the wall instant. */
export const INSERT_RUN_AT_STEP = `
INSERT INTO STEP_TRACKER (step_id, step_type, due, priority, run_at, max_retries, created_ts, last_update_ts, payload, run_at_wall)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

export const PAYLOAD_OF = 'SELECT payload FROM STEP_TRACKER WHERE step_id = ?';

const HELD = `claim_token = ? AND version = ? AND status = 'claimed'`;
/** The fence of a claim. Binds: step, token, version. */
const FENCE = `step_id = ? AND ${HELD}`;

/** The columns that every settlement writes. Binds: now, charge, crash, result, error, incarnation. */
const SETTLED = `version = version + 1, last_update_ts = ?, claim_token = NULL, retry_count = retry_count + ?, crashes = crashes + ?,
  result = ?, error = ?, settled_token = claim_token, settled_version = version, settled_by = ?`;

/** Ends a step. Binds: status, now, charge, crash, result, error, incarnation; step, token, version. */
export const FINISH = `
UPDATE STEP_TRACKER SET status = ?, ${SETTLED} WHERE ${FENCE}`;

/** Ends several steps alike. Binds: as for {@link FINISH}, with the step ids as one JSON array. */
export const FINISH_ALIKE = `
UPDATE STEP_TRACKER SET status = ?, ${SETTLED} WHERE step_id IN (SELECT value FROM json_each(?)) AND ${HELD}`;

/**
 * Makes a step pending again. Binds: delayed 0|1, crash, run_at | null, the same again; now, charge, crash, result,
 * error, incarnation; step, token, version.
 */
export const REQUEUE = `
UPDATE STEP_TRACKER
SET status = 'pending', due = iif(?, 0, iif(crashes + ? > 1, 2, 1)), run_at = coalesce(?, run_at),
  run_at_wall = iif(? IS NULL, run_at_wall, NULL), claimed_by = NULL, claimed_incarnation = NULL, ${SETTLED}
WHERE ${FENCE}`;

/** The last settlement of a step. Bind: step. */
export const SETTLED_BY =
  'SELECT status, version, settled_token, settled_version, settled_by FROM STEP_TRACKER WHERE step_id = ?';

/**
 * Cancels a step. A pending step keeps the token and version that settled it before, so that the settlement, sent again,
 * gets the receipt `cancelled`. Binds: now, token, step, version.
 */
export const CANCEL = `
UPDATE STEP_TRACKER
SET status = 'cancelled', due = 0, version = version + 1, last_update_ts = ?, claim_token = NULL,
  settled_token = coalesce(claim_token, settled_token), settled_version = iif(claim_token IS NULL, settled_version, version),
  settled_by = ?
WHERE step_id = ? AND version = ? AND (status = 'pending' OR status = 'claimed')`;

/** Makes a failed or cancelled step pending again, with all of its retries. Binds: now, now, step, version. */
export const RETRY = `
UPDATE STEP_TRACKER
SET status = 'pending', due = 1, version = version + 1, last_update_ts = ?, run_at = ?, run_at_wall = NULL, retry_count = 0, crashes = 0,
  result = NULL, error = NULL, claimed_by = NULL, claimed_incarnation = NULL
WHERE step_id = ? AND version = ? AND (status = 'failed' OR status = 'cancelled')`;

/** Deletes the steps that ended first. Binds: ended before, limit. */
export const PRUNE_STEPS = `
DELETE FROM STEP_TRACKER WHERE rowid IN (
  SELECT rowid FROM STEP_TRACKER WHERE status <> 'pending' AND status <> 'claimed' AND last_update_ts < ? ORDER BY last_update_ts LIMIT ?
)`;

/**
 * Deletes incarnations that have left or were evicted. One that still holds a claim stays: without its row, the orphan's
 * reason would be `unknown`. Binds: last heartbeat before, limit.
 */
export const PRUNE_PODS = `
DELETE FROM POD_HEALTH WHERE rowid IN (
  SELECT p.rowid FROM POD_HEALTH p
  WHERE p.final IS NOT NULL AND p.last_heartbeat_ts < ?
    AND p.incarnation NOT IN (SELECT s.claimed_incarnation FROM STEP_TRACKER s WHERE s.status = 'claimed' AND s.claimed_incarnation IS NOT NULL)
  ORDER BY p.last_heartbeat_ts LIMIT ?
)`;

/** The greatest version and count that this library stores: far below where a JavaScript number loses digits. */
export const COUNTABLE = { version: 9_007_199_254_000_000, count: 1_000_000_000 } as const;

/** Brings the numbers of these steps into range; leaves rows alone that are in range. Bind: step ids as a JSON array. */
export const REPAIR = `
UPDATE STEP_TRACKER
SET version = iif(version BETWEEN 0 AND ${COUNTABLE.version}, version, 0),
  retry_count = max(-${COUNTABLE.count}, min(${COUNTABLE.count}, retry_count)),
  crashes = max(0, min(${COUNTABLE.count}, crashes)),
  max_retries = max(-${COUNTABLE.count}, min(${COUNTABLE.count}, max_retries))
WHERE step_id IN (SELECT value FROM json_each(?))
  AND NOT (version BETWEEN 0 AND ${COUNTABLE.version} AND crashes BETWEEN 0 AND ${COUNTABLE.count}
    AND retry_count BETWEEN -${COUNTABLE.count} AND ${COUNTABLE.count}
    AND max_retries BETWEEN -${COUNTABLE.count} AND ${COUNTABLE.count})`;
