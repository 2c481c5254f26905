/**
 * The SQL of the fleet: registrations, heartbeats, evictions, and the step types of each pod.
 *
 * Invariants:
 * - Every UPDATE guards itself: `final IS NULL` stands in its WHERE clause, so nothing revives an incarnation that left
 *   or was evicted.
 * - A late heartbeat never takes back a newer one.
 */

/**
 * Registers an incarnation, or registers it again. Binds: incarnation, pod, now, now, heartbeat, dead after, meta,
 * host's ms, boot; pid, its namespace, the process's start.
 */
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
SET last_heartbeat_ts = max(last_heartbeat_ts, ?), heartbeat_ms = coalesce(?, heartbeat_ms), dead_after_ms = coalesce(?, dead_after_ms),
  eligible = ?, asleep = ?, meta = ?, host_ms = ?, boot = ?, beat = beat + 1
WHERE incarnation = ? AND final IS NULL`;

/** Every incarnation that is not final, the oldest first. */
export const FLEET = `
SELECT p.pod_id, p.incarnation, p.birth_ts, p.last_heartbeat_ts, p.beat, p.heartbeat_ms, p.dead_after_ms, p.eligible, p.asleep, p.meta,
  p.pid, p.pid_namespace, p.process_started, t.seq
FROM POD_HEALTH p LEFT JOIN POD_TYPES t ON t.incarnation = p.incarnation WHERE p.final IS NULL ORDER BY p.birth_ts, p.incarnation`;

/** Bind: incarnation. */
export const LIFE_OF = 'SELECT final, asleep FROM POD_HEALTH WHERE incarnation = ?';

/** Bind: incarnation. */
export const LEAVE = `UPDATE POD_HEALTH SET final = 'left', status = 'down' WHERE incarnation = ? AND final IS NULL`;

/** Evicts an incarnation for its silence, which this statement checks again. Binds: incarnation, now. */
export const EVICT = `
UPDATE POD_HEALTH SET final = 'evicted', status = 'down'
WHERE incarnation = ? AND final IS NULL AND asleep = 0 AND ? - last_heartbeat_ts > dead_after_ms`;

/** Evicts an incarnation whose process has exited. Binds: incarnation; pid, its namespace, the process's start. */
export const EVICT_EXITED = `
UPDATE POD_HEALTH SET final = 'evicted', status = 'down'
WHERE incarnation = ? AND final IS NULL AND asleep = 0
  AND pid = ? AND pid_namespace = ? AND process_started = ?`;

/** Bind: incarnation. */
export const PROCESS_OF = 'SELECT pid, pid_namespace, process_started FROM POD_HEALTH WHERE incarnation = ?';

export const NEWEST_HEARTBEAT = 'SELECT max(last_heartbeat_ts) FROM POD_HEALTH';

export const NEWEST_STEP = 'SELECT created_ts FROM STEP_TRACKER ORDER BY rowid DESC LIMIT 1';

export const LIVING_HEARTBEATS =
  'SELECT last_heartbeat_ts, dead_after_ms, host_ms, boot FROM POD_HEALTH WHERE final IS NULL';

/** Writes a pod's step types, under a new `seq` each time, unless the incarnation is final. Binds: types, incarnation. */
export const PUT_TYPES = `
INSERT OR REPLACE INTO POD_TYPES (incarnation, types)
SELECT p.incarnation, ? FROM POD_HEALTH p WHERE p.incarnation = ? AND p.final IS NULL`;
/** Deletes the step types of an incarnation that has become final. Binds: incarnation, twice. */
export const DROP_TYPES = `
DELETE FROM POD_TYPES WHERE incarnation = ? AND NOT EXISTS (SELECT 1 FROM POD_HEALTH p WHERE p.incarnation = ? AND p.final IS NULL)`;
export const TYPES_AT = 'SELECT types FROM POD_TYPES WHERE seq = ?';

/** Deletes the step types of pods that are no longer live. A pod of schema version 1, or somebody's SQL, leaves them behind. */
export const PRUNE_TYPES = `
DELETE FROM POD_TYPES
WHERE NOT EXISTS (SELECT 1 FROM POD_HEALTH p WHERE p.incarnation = POD_TYPES.incarnation AND p.final IS NULL)`;
