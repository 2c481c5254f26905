/** The SQL of the recovery journal. Its tables may be in a file beside those of the application. */

/** How many cycles are kept. */
export const KEPT_CYCLES = 1_000;

export const PRAGMAS: readonly string[] = ['PRAGMA journal_mode = WAL', 'PRAGMA synchronous = NORMAL'];

export const SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS recovery_cycle (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     cycle_id TEXT NOT NULL UNIQUE,
     pod_id TEXT NOT NULL,
     started_at INTEGER NOT NULL,
     duration_ms REAL NOT NULL,
     error TEXT
   ) STRICT`,
  `CREATE TABLE IF NOT EXISTS recovery_dead_pod (
     cycle_id TEXT NOT NULL,
     pod_id TEXT NOT NULL,
     incarnation TEXT NOT NULL,
     PRIMARY KEY (cycle_id, incarnation)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS recovery_orphan (
     cycle_id TEXT NOT NULL,
     position INTEGER NOT NULL,
     step_id TEXT NOT NULL,
     type TEXT NOT NULL,
     pod_id TEXT NOT NULL,
     incarnation TEXT NOT NULL,
     reason TEXT NOT NULL,
     decision TEXT NOT NULL,
     PRIMARY KEY (cycle_id, position)
   ) STRICT, WITHOUT ROWID`,
];

export const INSERT_CYCLE = `INSERT OR IGNORE INTO recovery_cycle (cycle_id, pod_id, started_at, duration_ms, error)
VALUES (?, ?, ?, ?, ?)`;

export const INSERT_DEAD_POD = `INSERT OR IGNORE INTO recovery_dead_pod (cycle_id, pod_id, incarnation) VALUES (?, ?, ?)`;

export const INSERT_ORPHAN = `INSERT OR IGNORE INTO recovery_orphan
  (cycle_id, position, step_id, type, pod_id, incarnation, reason, decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** The newest first. */
export const SELECT_CYCLES = `SELECT cycle_id, pod_id, started_at, duration_ms, error
FROM recovery_cycle ORDER BY seq DESC LIMIT ?`;

export const SELECT_DEAD_PODS = `SELECT pod_id, incarnation FROM recovery_dead_pod WHERE cycle_id = ?`;

export const SELECT_ORPHANS = `SELECT position, step_id, type, pod_id, incarnation, reason, decision
FROM recovery_orphan WHERE cycle_id = ? AND position >= ? ORDER BY position LIMIT ?`;

/** The oldest cycle beyond the number that is kept. */
export const SELECT_SURPLUS = `SELECT cycle_id FROM recovery_cycle
WHERE seq <= (SELECT seq FROM recovery_cycle ORDER BY seq DESC LIMIT 1 OFFSET ${KEPT_CYCLES}) ORDER BY seq LIMIT 1`;

export const DELETE_ORPHANS = `DELETE FROM recovery_orphan WHERE cycle_id = ? AND position IN
  (SELECT position FROM recovery_orphan WHERE cycle_id = ? ORDER BY position LIMIT ?)`;

export const DELETE_DEAD_PODS = `DELETE FROM recovery_dead_pod WHERE cycle_id = ?`;

export const DELETE_CYCLE = `DELETE FROM recovery_cycle WHERE cycle_id = ?`;
