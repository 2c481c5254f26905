/**
 * `fleet-q/sqlite`: the embedded store. Many processes of one host share its file.
 *
 * @module fleet-q/sqlite
 */
import type { StoreFactory } from './store/contract.js';
import { resolveOptions, type SqliteOptions } from './store/sqlite/options.js';
import { ddlText } from './store/sqlite/schema/schema.js';
import { SqliteStore } from './store/sqlite/store.js';

export type { SqliteOptions } from './store/sqlite/options.js';

/**
 * Keeps steps in an SQLite file. The driver, better-sqlite3, is loaded when the queue first needs the file; if it is
 * missing, that call rejects with a StoreError `STORE_DRIVER_MISSING`.
 *
 * @example
 * const queue = new FleetQ({ store: sqlite({ path: './work.db' }) });
 * @throws ValidationError `OPTION_INVALID`, at once
 */
export function sqlite(options: SqliteOptions = {}): StoreFactory {
  const resolved = resolveOptions(options);
  return { name: 'sqlite', create: (environment) => new SqliteStore(resolved, environment) };
}

/**
 * The SQL that creates the tables in an empty file. A pod does this by itself; the text is for those who prepare the file
 * beforehand and open it with `createTables: false`, and for those who read the schema.
 *
 * @example
 * console.log(sqliteDdl()); // node ddl.js | sqlite3 fleet-q.db
 */
export function sqliteDdl(): string {
  return ddlText();
}
