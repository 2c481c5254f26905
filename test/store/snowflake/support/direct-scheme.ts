/** A store whose pods do not combine: each exchange is an UPDATE of its own, as in versions before. */
import type { StoreFactory } from 'fleet-q';
import type { SnowflakeOptions } from '../../../../src/snowflake.js';
import { resolveOptions } from '../../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../../src/store/snowflake/store.js';

export function directScheme(options: SnowflakeOptions): StoreFactory {
  const resolved = { ...resolveOptions(options), combines: false };
  return { name: 'snowflake', create: (environment) => new SnowflakeStore(resolved, environment) };
}
