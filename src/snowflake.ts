/**
 * `fleet-q/snowflake`: a store in Snowflake, for pods that share nothing else.
 *
 * @module fleet-q/snowflake
 */
import type { StoreFactory } from './store/contract.js';
import { namesOf } from './store/snowflake/table-names.js';
import {
  resolveDdlOptions,
  resolveOptions,
  type DdlOptions,
  type SnowflakeOptions,
} from './store/snowflake/options.js';
import { ddlText } from './store/snowflake/schema.js';
import { SnowflakeStore } from './store/snowflake/store.js';

export type {
  ConnectionSource,
  DdlOptions,
  SleepOptions,
  SnowflakeConnection,
  SnowflakeOptions,
} from './store/snowflake/options.js';
export type { TableKind } from './store/snowflake/schema.js';

/**
 * A store in Snowflake. The driver is loaded, and a connection made, when the queue is first used: by `start()`, or by
 * the first call. That call rejects with a `StoreError` if the store does not open:
 *
 * - `STORE_LOGIN_REFUSED`: the account, the user, the password, key or token, the role, or the driver's options are
 *   wrong
 * - `STORE_NO_WAREHOUSE`: the session has no warehouse, may not use it, or it does not resume
 * - `STORE_ACCESS_DENIED`: the database, the schema, a table or a privilege is missing; the message names the grant
 * - `STORE_ALTERED`: a table is not as it was made, or fleet-q did not make it
 * - `STORE_TABLE_KIND`: the tables are of another kind than `tableKind` asks for
 * - `STORE_SCHEMA_NEWER`: a newer version has migrated the tables to a format that this version may not write
 * - `STORE_BUSY`: other statements have held a table for two minutes
 * - `STORE_DRIVER_MISSING`: snowflake-sdk is not installed, or cannot be loaded
 * - `STORE_UNAVAILABLE`: Snowflake cannot be reached, or has failed
 *
 * The next call tries again.
 *
 * @example
 * const queue = new FleetQ({ store: snowflake({ connection, database: 'OPS', schema: 'FLEET_Q' }) });
 * @throws ValidationError `OPTION_INVALID`, at once
 */
export function snowflake(options: SnowflakeOptions): StoreFactory {
  const resolved = resolveOptions(options);
  return { name: 'snowflake', create: (environment) => new SnowflakeStore(resolved, environment) };
}

/**
 * The SQL that an administrator runs once if the pods' role may not create tables: the schema, the tables, and the
 * least privileges that the role needs.
 *
 * @example
 * console.log(snowflakeDdl({ database: 'OPS', schema: 'FLEET_Q', role: 'POD', warehouse: 'WORK' }));
 * @throws ValidationError `OPTION_INVALID`
 */
export function snowflakeDdl(options: DdlOptions): string {
  const resolved = resolveDdlOptions(options);
  return ddlText(namesOf(resolved), resolved);
}
