/** The store of a queue that names none. Besides the entry points the one file that may import a store, and only when it is made. */
import { ValidationError } from './errors.js';
import type { StoreFactory } from './store/contract.js';

/** SQLite at `path`, loaded when the queue is first used. Default: `./fleet-q.db`. */
export function defaultStore(path?: string): StoreFactory {
  return {
    name: 'sqlite',
    create: async (environment) => {
      const { sqlite } = await import('./sqlite.js');
      return sqlite(path === undefined ? {} : { path }).create(environment);
    },
  };
}

/**
 * The store that the environment names: `FLEET_Q_SQLITE_PATH`.
 *
 * @throws ValidationError `OPTION_INVALID` where it asks for Snowflake, whose store this version does not have
 */
export function storeFromEnv(env: Readonly<Record<string, string | undefined>>): StoreFactory {
  if (env['FLEET_Q_SNOWFLAKE_ACCOUNT'] !== undefined) {
    throw new ValidationError(
      'OPTION_INVALID',
      'FLEET_Q_SNOWFLAKE_ACCOUNT',
      'the Snowflake store is not part of this version; pass `store`',
    );
  }
  return defaultStore(env['FLEET_Q_SQLITE_PATH']);
}
