/**
 * The database: how a file becomes a connection that may be used.
 *
 * Law: `timeout: 0`, because a busy timeout would put the host's
 * event loop to sleep; whoever calls retries. Once a file is open, nothing in this process opens or reads it, its -wal or
 * its -shm by other means: closing any descriptor of it would drop the locks of all. What is no database is told by
 * SQLite's own error.
 */
import type { Database } from 'better-sqlite3';
import type { SqliteDriver } from '../../../driver/better-sqlite3.js';
import { asError, StoreError } from '../../../errors.js';
import { MEMORY } from '../../../files/file-path.js';
import { autocheckpoint, cacheSize, JOURNAL_MODE_WAL, SETTINGS, SYNCHRONOUS } from './statements.js';

export interface ConnectionOptions {
  readonly path: string;
  readonly synchronous: keyof typeof SYNCHRONOUS;
  /** Pages in the -wal after which SQLite checkpoints by itself, within somebody's commit. */
  readonly autocheckpoint: 200 | 10_000;
  /** How much of the file it keeps in memory, at most. Default 16,000. */
  readonly cacheKiB?: 2_000 | 16_000;
  /** Never creates the file. Default `false`. */
  readonly mustExist?: boolean;
}

/** Opens a connection. What it throws is the driver's; it may be BUSY, and then leaves nothing open. */
export function openConnection(driver: SqliteDriver, options: ConnectionOptions): Database {
  const connection = openFile(driver, options);
  try {
    const mode: unknown = connection.prepare(JOURNAL_MODE_WAL).pluck().get();
    if (mode !== (options.path === MEMORY ? 'memory' : 'wal')) {
      throw new StoreError(
        'STORE_UNAVAILABLE',
        `${options.path}: the journal stays in mode ${String(mode)}, expected wal`,
        false,
      );
    }
    const { synchronous, autocheckpoint: pages, cacheKiB = 16_000 } = options;
    for (const statement of [...SETTINGS, cacheSize(cacheKiB), SYNCHRONOUS[synchronous], autocheckpoint(pages)]) {
      connection.exec(statement);
    }
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function openFile(driver: SqliteDriver, { path, mustExist = false }: ConnectionOptions): Database {
  try {
    return new driver(path, { timeout: 0, fileMustExist: mustExist });
  } catch (error) {
    // The driver looks for the folder itself, and its error has no code.
    const { name, message } = asError(error);
    if (name !== 'TypeError') throw error;
    throw new StoreError('STORE_UNWRITABLE', `${path}: ${message}`, false, { cause: error });
  }
}
