/** Stores whose pods exchange in one way only, whatever the other pods do. */
import type { StoreFactory } from 'fleet-q';
import type { SnowflakeOptions } from '../../../../src/snowflake.js';
import type { Combining } from '../../../../src/store/snowflake/combining/pacer.js';
import { resolveOptions } from '../../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../../src/store/snowflake/store.js';

/** A store whose pods do not combine: each exchange is an UPDATE of its own, as in versions before. */
export function directScheme(options: SnowflakeOptions): StoreFactory {
  return combining(options, false);
}

/** @param combines `false`: never through the log; `'always'`: through the log, also if the pod is alone */
export function combining(options: SnowflakeOptions, combines: Combining): StoreFactory {
  const resolved = { ...resolveOptions(options), combines };
  return { name: 'snowflake', create: (environment) => new SnowflakeStore(resolved, environment) };
}
