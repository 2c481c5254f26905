/**
 * Opens a file to examine it, and changes nothing in it.
 *
 * Invariants:
 * - A file that does not exist is not created.
 * - A `-wal` that another process left behind, or a rollback journal, stays as it is: the connection is read-only then, so
 *   that closing it does no checkpoint. Otherwise the connection may write, so that closing it removes the empty `-wal` that
 *   opening it made; `query_only` keeps it from writing.
 * - Of the -wal and the -shm only the attributes are read. Closing a descriptor of them would drop the locks of the process.
 */
import { stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import type { Database } from 'better-sqlite3';
import type { SqliteDriver } from '../../../driver/better-sqlite3.js';
import { LOCK, QUERY_ONLY, UNLOCK } from './statements.js';

/** The attributes of a file; `undefined` if it does not exist, or they cannot be read. */
export async function attributes(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

export async function openToExamine(driver: SqliteDriver, path: string): Promise<Database> {
  const wal = await attributes(`${path}-wal`);
  const journal = await attributes(`${path}-journal`);
  const readonly = (wal?.size ?? 0) > 0 || journal !== undefined;
  const connection = new driver(path, { timeout: 0, fileMustExist: true, readonly });
  try {
    connection.exec(QUERY_ONLY);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * Takes the write lock once, and gives it back. Throws BUSY if another connection holds it.
 *
 * Call it while a connection of {@link openToExamine} is open: this one is then not the last to close.
 */
export function tryWriteLock(driver: SqliteDriver, path: string): void {
  const connection = new driver(path, { timeout: 0, fileMustExist: true });
  try {
    connection.exec(LOCK);
    connection.exec(UNLOCK);
  } finally {
    connection.close();
  }
}
