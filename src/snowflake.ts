/**
 * `fleet-q/snowflake`: steps in Snowflake, shared by a fleet of pods that have nothing else in common.
 */
import type { StoreFactory } from './store/contract.js';
import { namesOf } from './store/snowflake/names.js';
import {
  resolveDdlOptions,
  resolveOptions,
  type DdlOptions,
  type SnowflakeOptions,
} from './store/snowflake/options.js';
import { ddlText } from './store/snowflake/schema.js';
import { SnowflakeStore } from './store/snowflake/store.js';

export type { ConnectionSource, DdlOptions, SnowflakeConnection, SnowflakeOptions } from './store/snowflake/options.js';

/**
 * Steps in Snowflake. The driver is loaded, and a connection made, when the queue is first used.
 *
 * @example
 * const queue = new FleetQ({ store: snowflake({ connection, database: 'OPS', schema: 'FLEET_Q' }) });
 * @throws ValidationError `OPTION_INVALID`
 */
export function snowflake(options: SnowflakeOptions): StoreFactory {
  const resolved = resolveOptions(options);
  return { name: 'snowflake', create: (environment) => new SnowflakeStore(resolved, environment) };
}

/**
 * The text that an administrator runs once, where the pods' role may not create tables: the schema, the tables, and the
 * least grants that the role needs.
 *
 * @example
 * console.log(snowflakeDdl({ database: 'OPS', schema: 'FLEET_Q', role: 'POD', warehouse: 'WORK' }));
 * @throws ValidationError `OPTION_INVALID`
 */
export function snowflakeDdl(options: DdlOptions): string {
  const { role, warehouse, ...place } = resolveDdlOptions(options);
  return ddlText(namesOf(place), warehouse === undefined ? { role } : { role, warehouse });
}
