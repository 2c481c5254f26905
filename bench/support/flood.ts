/** Inserts many rows without the store, in one statement: the state of a file after a long time. */
import Database from 'better-sqlite3';
import { migrate } from '../../src/store/sqlite/schema/migration.js';
import { JOURNAL_MODE_WAL } from '../../src/store/sqlite/file/statements.js';
import type { Place } from './places.js';

const ROWS = {
  /** Ended long ago. */
  finished: ['step_type, status, last_update_ts, created_ts', `'noop', 'completed', 1000 + i, 1000`],
  /** Of the handled type, due in a day, and of higher priority than the steps that are due now. */
  future: ['step_type, priority, run_at, created_ts', `'noop', 9, :now + 86400000 + i, :now`],
  /** Due, of higher priority, and of a type without a handler. */
  unhandled: ['step_type, due, priority, run_at, created_ts', `'nobody', 1, 9, :now, :now`],
  /** Due, of the handled type. */
  pending: ['step_type, due, run_at, created_ts', `'noop', 1, :now, :now`],
} as const;

export type Flood = keyof typeof ROWS;

/** Call it while no code of this process has the file open. */
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
