/**
 * The tables and indexes of a file, and the migrations that create them.
 *
 * Invariants:
 * - Migrations only add, so that pods of two versions can share a file during an upgrade.
 * - The file records the version of its schema, and the oldest version that may write it. An older one refuses to open the
 *   file; if it has the file open, it drains.
 * - Tables and columns of the Python FLEET-Q keep their names. A row that SQL inserts with only `step_id` and `payload` is
 *   a valid step: its `due` is 0 until it is promoted.
 */

/** The version of the schema that this code writes. */
export const SCHEMA_VERSION = 2;
/** The oldest version whose code may still write a file of {@link SCHEMA_VERSION}. */
export const OLDEST_ALLOWED = 1;

/** The value that `due` gets by promotion. An index holds this expression, and the planner matches it word for word. */
export const DUE_WHEN_READY = 'iif(crashes > 1, 2, 1)';

// `due`: 0 waits for its time, 1 is ready, 2 is ready and has crashed two pods or more.
// The columns that readers and scans need stand before the long texts, which may spill over to pages of their own.
// `status` has no CHECK: SQLite builds its list of five for each UPDATE, which costs a tenth of the throughput.
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

/** Ready steps, in the order in which they are claimed. Steps that crash pods form a part of their own. */
const STEP_READY = `
CREATE INDEX STEP_READY ON STEP_TRACKER (due, step_type, priority DESC, run_at, step_id)
WHERE status = 'pending' AND due > 0`;

/** Steps that wait for their time. Of one instant, the most urgent is promoted first. */
const STEP_WAITING = `
CREATE INDEX STEP_WAITING ON STEP_TRACKER (run_at, priority DESC)
WHERE status = 'pending' AND due = 0`;

/** Claimed steps, the longest held first. It is small, so the claims of a pod are found by a scan of all of it. */
const STEP_HELD = `
CREATE INDEX STEP_HELD ON STEP_TRACKER (last_update_ts)
WHERE status = 'claimed'`;

/** Ended steps, the oldest first. */
const STEP_ENDED = `
CREATE INDEX STEP_ENDED ON STEP_TRACKER (last_update_ts)
WHERE status <> 'pending' AND status <> 'claimed'`;

// By `host_ms` and `boot`, processes of one host know how long ago a heartbeat was, whatever their wall clocks show.
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

/** The process of a pod, by which peers can prove that it has exited; NULL if the platform has no proof. */
const POD_PROCESS = [
  'ALTER TABLE POD_HEALTH ADD COLUMN pid INTEGER',
  'ALTER TABLE POD_HEALTH ADD COLUMN pid_namespace TEXT',
  'ALTER TABLE POD_HEALTH ADD COLUMN process_started INTEGER',
];

/** Replaces STEP_READY, without ids: steps of equal rank are in the order of their rows, which is that of submission. */
const STEP_READY_BY_ROW = `
CREATE INDEX STEP_READY ON STEP_TRACKER (due, step_type, priority DESC, run_at)
WHERE status = 'pending' AND due > 0`;

/** Waiting steps by their later `due`, then the most urgent first: finds due steps of high priority past any backlog. */
const STEP_WAITING_RANK = `
CREATE INDEX STEP_WAITING_RANK ON STEP_TRACKER (${DUE_WHEN_READY}, priority DESC, step_type, run_at)
WHERE status = 'pending' AND due = 0`;

/** Pods that are not final: few among any number of final ones. */
const POD_LIVING = `
CREATE INDEX POD_LIVING ON POD_HEALTH (birth_ts, incarnation)
WHERE final IS NULL`;

/** The step types of a pod. In the pod's row, this long text would be rewritten with each heartbeat. */
const POD_TYPES = `
CREATE TABLE POD_TYPES (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  incarnation TEXT NOT NULL UNIQUE,
  types TEXT NOT NULL
) STRICT`;

/** Finds the newest heartbeat, and at its other end the pods to delete. */
const POD_HEARD = 'CREATE INDEX POD_HEARD ON POD_HEALTH (last_heartbeat_ts)';

/** The version of the schema: one row. */
export const CREATE_SCHEMA_INFO = `
CREATE TABLE IF NOT EXISTS SCHEMA_INFO (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,
  oldest_allowed INTEGER NOT NULL
) STRICT`;

// ---- version 2 ----

// The `runAt` of a step, by the wall clock. `run_at` is the same instant by the store's clock.
const STEP_RUN_AT_WALL = 'ALTER TABLE STEP_TRACKER ADD COLUMN run_at_wall INTEGER';

/** Steps with a `runAt`, of any status. A claim or a settlement changes no column of this index, so it costs them nothing. */
const STEP_TIMED = 'CREATE INDEX STEP_TIMED ON STEP_TRACKER (run_at_wall) WHERE run_at_wall IS NOT NULL';

// From `since` on (by the store's clock), the wall clock was `offset_ms` ahead. `host_ms` and `boot` are the monotonic
// clock at that time. Steps with a `runAt` up to (`moved_wall`, `moved_row`) have been moved to this offset; NULL if all have.
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
 * Clears `run_at_wall` when version 1 of this schema gives a step another time, by a retry or a delay. A correction of the
 * wall clock does not fire it, because that leaves the step's version as it is. A claim and the end of a step do not set
 * `run_at`, so the trigger costs them nothing.
 */
const STEP_UNTIMED = `
CREATE TRIGGER STEP_UNTIMED AFTER UPDATE OF run_at ON STEP_TRACKER
WHEN new.run_at <> old.run_at AND new.version <> old.version AND new.run_at_wall = old.run_at_wall
BEGIN
  UPDATE STEP_TRACKER SET run_at_wall = NULL WHERE rowid = new.rowid;
END`;

/** The statements that lead from each version to the next. `MIGRATIONS[0]` makes version 1 of an empty file. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [STEP_TRACKER, STEP_READY, STEP_WAITING, STEP_HELD, STEP_ENDED, POD_HEALTH],
  [
    ...[STEP_RUN_AT_WALL, STEP_TIMED, STEP_UNTIMED, WALL_CLOCK, ...POD_PROCESS],
    ...['DROP INDEX STEP_READY', STEP_READY_BY_ROW, STEP_WAITING_RANK, POD_LIVING, POD_HEARD, POD_TYPES],
  ],
];

/** The SQL that makes an empty file what a pod makes of it. */
export function ddlText(): string {
  const version = `INSERT INTO SCHEMA_INFO (one, version, oldest_allowed) VALUES (1, ${SCHEMA_VERSION}, ${OLDEST_ALLOWED})`;
  const statements = ['BEGIN IMMEDIATE', ...MIGRATIONS.flat(), CREATE_SCHEMA_INFO, version, 'COMMIT'];
  return statements.map((statement) => `${statement.trim()};\n`).join('\n');
}
