/** Puts in so many rows without the store, in one statement: what a file is like after a long time. */
import Database from 'better-sqlite3';
import { migrate } from '../../src/store/sqlite/schema/migration.js';
import { JOURNAL_MODE_WAL } from '../../src/store/sqlite/file/statements.js';
import type { Place } from './places.js';

const ROWS = {
  /** Ended long ago. */
  finished: ['step_type, status, last_update_ts, created_ts', `'noop', 'completed', 1000 + i, 1000`],
  /** Of the type that is worked, due in a day, and more urgent than what is due now. */
  future: ['step_type, priority, run_at, created_ts', `'noop', 9, :now + 86400000 + i, :now`],
  /** Due, more urgent, and of a type that nobody handles. */
  unhandled: ['step_type, due, priority, run_at, created_ts', `'nobody', 1, 9, :now, :now`],
  /** Due, of the type that is worked. */
  pending: ['step_type, due, run_at, created_ts', `'noop', 1, :now, :now`],
} as const;

export type Flood = keyof typeof ROWS;

/** To be called while nobody in this process has the file open. */
export async function flood({ file }: Place, count: number, kind: Flood): Promise<void> {
  const db = new Database(file);
  db.exec(JOURNAL_MODE_WAL);
  migrate(db, file);
  const [columns, values] = ROWS[kind];
  const payload = kind === 'unhandled' ? '{"type":"nobody","args":{"n":1}}' : '{"type":"noop","args":{"n":1}}';
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
     INSERT INTO STEP_TRACKER (step_id, payload, ${columns}) SELECT '${kind}-' || i, '${payload}', ${values} FROM n`,
  ).run(kind === 'finished' ? { count } : { count, now: Date.now() });
  db.close();
}
