/**
 * The tables, and how a file comes to have them.
 *
 * Law: migrations only add, so that pods of two versions can share a file while they are exchanged. The file records
 * the version of its schema and the oldest version that may still write it: an older one refuses to open it, and
 * drains where it has it open already. Names that the original system had are never changed, and whatever it writes
 * by hand (a row of `step_id` and `payload`, a status) is taken up: `due` stays 0 until a row is promoted.
 */

/** The version of the schema that this code writes. */
export const SCHEMA_VERSION = 2;
/** The oldest version whose code may still write a file of {@link SCHEMA_VERSION}. */
export const OLDEST_ALLOWED = 1;

/** What `due` becomes when the step's time comes. Expressions in an index are matched word for word. */
export const DUE_WHEN_READY = 'iif(crashes > 1, 2, 1)';

// `due`: 0 waits for its time, 1 is ready, 2 is ready and has crashed two pods or more.
// What readers and scans need stands before the texts that may spill over to pages of their own. No CHECK on `status`:
// a list of five is built anew for each UPDATE, and costs a tenth of the throughput.
const STEP_TRACKER = `
CREATE TABLE STEP_TRACKER (
  step_id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL DEFAULT 'pending',
  step_type TEXT,
  due INTEGER NOT NULL DEFAULT 0,
  priority INTEGER NOT NULL DEFAULT 0,
  run_at INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  retry_count INTEGER NOT NULL DEFAULT 0,
  max_retries INTEGER NOT NULL DEFAULT 3,
  crashes INTEGER NOT NULL DEFAULT 0,
  created_ts INTEGER NOT NULL DEFAULT 0,
  last_update_ts INTEGER NOT NULL DEFAULT 0,
  claimed_by TEXT,
  claimed_incarnation TEXT,
  claim_token TEXT,
  settled_token TEXT,
  settled_version INTEGER,
  settled_by TEXT,
  payload TEXT NOT NULL DEFAULT '{}',
  result TEXT,
  error TEXT
) STRICT`;

/** Ready steps, in the order in which they are claimed; those that crash pods stand apart. */
const STEP_READY = `
CREATE INDEX STEP_READY ON STEP_TRACKER (due, step_type, priority DESC, run_at, step_id)
WHERE status = 'pending' AND due > 0`;

/** Steps that wait for their time; of one instant the most urgent first, so that they are promoted first. */
const STEP_WAITING = `
CREATE INDEX STEP_WAITING ON STEP_TRACKER (run_at, priority DESC)
WHERE status = 'pending' AND due = 0`;

/** What is claimed, the longest held first. Tiny, so that whoever holds something is found by looking at all of it. */
const STEP_HELD = `
CREATE INDEX STEP_HELD ON STEP_TRACKER (last_update_ts)
WHERE status = 'claimed'`;

/** What has ended, the oldest first. */
const STEP_ENDED = `
CREATE INDEX STEP_ENDED ON STEP_TRACKER (last_update_ts)
WHERE status <> 'pending' AND status <> 'claimed'`;

// `host_ms` and `boot` tell processes of one host how long ago the heartbeat was, whatever their wall clocks say.
const POD_HEALTH = `
CREATE TABLE POD_HEALTH (
  incarnation TEXT NOT NULL UNIQUE,
  pod_id TEXT NOT NULL,
  birth_ts INTEGER NOT NULL,
  last_heartbeat_ts INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'up' CHECK (status IN ('up', 'down')),
  meta TEXT NOT NULL DEFAULT '{}',
  heartbeat_ms INTEGER NOT NULL,
  dead_after_ms INTEGER NOT NULL,
  eligible INTEGER NOT NULL DEFAULT 1,
  asleep INTEGER NOT NULL DEFAULT 0,
  final TEXT CHECK (final IN ('left', 'evicted')),
  beat INTEGER NOT NULL DEFAULT 0,
  host_ms INTEGER NOT NULL DEFAULT 0,
  boot TEXT NOT NULL DEFAULT ''
) STRICT`;

/** The process of a pod, by which its peers can prove that it has exited; NULL where the platform gives no proof. */
const POD_PROCESS = [
  'ALTER TABLE POD_HEALTH ADD COLUMN pid INTEGER',
  'ALTER TABLE POD_HEALTH ADD COLUMN pid_namespace TEXT',
  'ALTER TABLE POD_HEALTH ADD COLUMN process_started INTEGER',
];

/** The same, without ids: equals stand in the order of their rows, which is the order of submission. */
const STEP_READY_BY_ROW = `
CREATE INDEX STEP_READY ON STEP_TRACKER (due, step_type, priority DESC, run_at)
WHERE status = 'pending' AND due > 0`;

/** Steps that wait for their time, by what `due` will be, then the most urgent first: what is due is found past any backlog. */
const STEP_WAITING_RANK = `
CREATE INDEX STEP_WAITING_RANK ON STEP_TRACKER (${DUE_WHEN_READY}, priority DESC, step_type, run_at)
WHERE status = 'pending' AND due = 0`;

/** Pods that have neither left nor been evicted: few among any number of those that have. */
const POD_LIVING = `
CREATE INDEX POD_LIVING ON POD_HEALTH (birth_ts, incarnation)
WHERE final IS NULL`;

/** The step types of a pod: a long text that would be rewritten with each heartbeat if it stood in the pod's row. */
const POD_TYPES = `
CREATE TABLE POD_TYPES (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  incarnation TEXT NOT NULL UNIQUE,
  types TEXT NOT NULL
) STRICT`;

/** The newest heartbeat of all, and at the other end the pods to forget. */
const POD_HEARD = 'CREATE INDEX POD_HEARD ON POD_HEALTH (last_heartbeat_ts)';

/** What a file without any of our tables gets first. */
export const CREATE_SCHEMA_INFO = `
CREATE TABLE IF NOT EXISTS SCHEMA_INFO (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,
  oldest_allowed INTEGER NOT NULL
) STRICT`;

// ---- version 2 ----

// `runAt` of a step that waits for an instant of the wall clock; `run_at` is the same instant by the store's clock.
const STEP_RUN_AT_WALL = 'ALTER TABLE STEP_TRACKER ADD COLUMN run_at_wall INTEGER';

/** Timed steps of any status. Its condition names no column that a claim or a settlement changes: it costs them nothing. */
const STEP_TIMED = 'CREATE INDEX STEP_TIMED ON STEP_TRACKER (run_at_wall) WHERE run_at_wall IS NOT NULL';

// From `since` on, by the store's clock, the wall clock was `offset_ms` ahead of it; `host_ms` and `boot` say when that was
// by the host's monotonic clock. Up to (`moved_wall`, `moved_row`) the timed steps have been moved to it; NULL: all have.
const WALL_CLOCK = `
CREATE TABLE WALL_CLOCK (
  since INTEGER PRIMARY KEY,
  offset_ms INTEGER NOT NULL,
  host_ms INTEGER NOT NULL,
  boot TEXT NOT NULL,
  set_by TEXT NOT NULL,
  moved_wall INTEGER,
  moved_row INTEGER
) STRICT`;

/**
 * Version 1 gives a step another time without clearing `run_at_wall`: a retry by hand, or a delay after a failed attempt.
 * Moving a step to a corrected wall clock leaves its version, so it is not meant. Neither a claim nor the end of a step
 * names `run_at`: the trigger costs them nothing.
 */
const STEP_UNTIMED = `
CREATE TRIGGER STEP_UNTIMED AFTER UPDATE OF run_at ON STEP_TRACKER
WHEN new.run_at <> old.run_at AND new.version <> old.version AND new.run_at_wall = old.run_at_wall
BEGIN
  UPDATE STEP_TRACKER SET run_at_wall = NULL WHERE rowid = new.rowid;
END`;

/** The statements that lead from each version to the next; `MIGRATIONS[0]` makes version 1 of an empty file. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [STEP_TRACKER, STEP_READY, STEP_WAITING, STEP_HELD, STEP_ENDED, POD_HEALTH],
  [
    ...[STEP_RUN_AT_WALL, STEP_TIMED, STEP_UNTIMED, WALL_CLOCK, ...POD_PROCESS],
    ...['DROP INDEX STEP_READY', STEP_READY_BY_ROW, STEP_WAITING_RANK, POD_LIVING, POD_HEARD, POD_TYPES],
  ],
];
