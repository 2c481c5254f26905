/**
 * `fleet-q/sqlite`: the embedded store, a file that many processes of one host share.
 *
 * @module fleet-q/sqlite
 */
import type { StoreFactory } from './store/contract.js';
import { resolveOptions, type SqliteOptions } from './store/sqlite/options.js';
import { SqliteStore } from './store/sqlite/store.js';

export type { SqliteOptions } from './store/sqlite/options.js';

/**
 * Steps in an SQLite file.
 *
 * @example
 * const queue = new FleetQ({ store: sqlite({ path: './work.db' }) });
 * @throws ValidationError `OPTION_INVALID`
 */
export function sqlite(options: SqliteOptions = {}): StoreFactory {
  const resolved = resolveOptions(options);
  return { name: 'sqlite', create: (environment) => new SqliteStore(resolved, environment) };
}
