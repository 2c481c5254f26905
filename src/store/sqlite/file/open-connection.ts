/**
 * Opens a connection to a database file, with the settings of this store.
 *
 * Invariants:
 * - The busy timeout is 0, because it would block the host's event loop. The caller retries instead.
 * - While a file is open, nothing else in this process opens the file, its -wal or its -shm. To close any descriptor of
 *   them would drop the locks of the whole process.
 * - SQLite itself reports a file that is no database. Nothing here reads the file.
 */
import type { Database } from 'better-sqlite3';
import type { SqliteDriver } from '../../../driver/better-sqlite3.js';
import { asError, StoreError } from '../../../errors.js';
import { MEMORY } from '../../../files/file-path.js';
import { autocheckpoint, cacheSize, JOURNAL_MODE_WAL, SETTINGS, SYNCHRONOUS } from './statements.js';

export interface ConnectionOptions {
  readonly path: string;
  readonly synchronous: keyof typeof SYNCHRONOUS;
  /** Pages in the -wal after which SQLite checkpoints, within a commit. */
  readonly autocheckpoint: 200 | 10_000;
  /** The size of the page cache. Default 16,000. */
  readonly cacheKiB?: 2_000 | 16_000;
  /** What the database in memory begins with. */
  readonly image?: Buffer;
  /** Whether to fail if there is no file, and not create one. Default `false`. */
  readonly mustExist?: boolean;
  /** Called before anything is written. If it throws, the file stays as it is. */
  readonly check?: (connection: Database) => void;
}

/** Opens a connection. The driver's errors pass as they are. If it throws, BUSY for one, no connection stays open. */
export function openConnection(driver: SqliteDriver, options: ConnectionOptions): Database {
  const connection = openFile(driver, options);
  try {
    options.check?.(connection);
    const mode: unknown = connection.prepare(JOURNAL_MODE_WAL).pluck().get();
    if (mode !== (options.path === MEMORY ? 'memory' : 'wal')) {
      throw new StoreError(
        'STORE_UNAVAILABLE',
        `${options.path}: expected the journal mode wal, got ${String(mode)}; the file system may not support it`,
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

function openFile(driver: SqliteDriver, { path, image, mustExist = false }: ConnectionOptions): Database {
  try {
    return new driver(image ?? path, { timeout: 0, fileMustExist: mustExist });
  } catch (error) {
    // The driver checks the folder itself, and its error has no code.
    const { name, message } = asError(error);
    if (name !== 'TypeError') throw error;
    throw new StoreError('STORE_UNWRITABLE', `${path}: ${message}`, false, { cause: error });
  }
}
