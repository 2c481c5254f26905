/** The SQL of the recorded wall clock, and of the steps whose `runAt` follows it. */

/**
 * The next steps with a `runAt`, of any status, in the order of their instants and rows. Each half of the UNION is one
 * seek. A comparison of both columns at once would read all steps of the same instant again.
 * Binds: wall instant, row, wall instant, limit.
 */
export const RUN_AT_STEPS_AFTER = `
SELECT rowid AS step_row, run_at_wall FROM STEP_TRACKER WHERE run_at_wall IS NOT NULL AND run_at_wall = ? AND rowid > ?
UNION ALL
SELECT rowid, run_at_wall FROM STEP_TRACKER WHERE run_at_wall IS NOT NULL AND run_at_wall > ?
ORDER BY run_at_wall, step_row LIMIT ?`;

/**
 * Moves pending steps to a new offset. One that was ready and is not due under that offset waits again.
 * Binds: offset, now, offset; rowids as a JSON array.
 */
export const MOVE_RUN_AT_STEPS = `
UPDATE STEP_TRACKER SET due = iif(run_at_wall - ? > ?, 0, due), run_at = run_at_wall - ?
WHERE rowid IN (SELECT value FROM json_each(?)) AND status = 'pending' AND run_at_wall IS NOT NULL`;

export const OFFSETS = 'SELECT since, offset_ms FROM WALL_CLOCK ORDER BY since';

export const NEWEST_OFFSET =
  'SELECT since, offset_ms, host_ms, boot, moved_wall, moved_row FROM WALL_CLOCK ORDER BY since DESC LIMIT 1';

/** Binds: since, offset, host's ms, boot, who recorded it; the wall instant and the row up to which steps have been moved. */
export const ADD_OFFSET = 'INSERT OR REPLACE INTO WALL_CLOCK VALUES (?, ?, ?, ?, ?, ?, ?)';

/** Deletes all but the newest records. Bind: how many to keep. */
export const FORGET_OFFSETS =
  'DELETE FROM WALL_CLOCK WHERE since NOT IN (SELECT since FROM WALL_CLOCK ORDER BY since DESC LIMIT ?)';

/** Records how far the steps have been moved; NULL if all have. Binds: wall instant | null, row | null, since. */
export const SET_MOVED = 'UPDATE WALL_CLOCK SET moved_wall = ?, moved_row = ? WHERE since = ?';
