/**
 * The driver, loaded when a store opens: it is heavy, and who uses another store never loads it.
 *
 * Law: only here is snowflake-sdk touched. Its own logging is turned off (it would write a file of its own).
 */
import type { Connection } from 'snowflake-sdk';
import { asError, StoreError } from '../../../errors.js';
import type { SnowflakeConnection } from '../options.js';

/** What a session needs of the driver. */
export interface Driver {
  /** Without options the driver reads its `connections.toml`. May throw. */
  createConnection(options: SnowflakeConnection | undefined): Connection;
}

let loading: Promise<Driver> | undefined;

/** @throws StoreError `STORE_UNAVAILABLE` */
export async function loadDriver(): Promise<Driver> {
  loading ??= load();
  try {
    return await loading;
  } catch (error) {
    loading = undefined; // it may be installed by the next try
    throw new StoreError('STORE_UNAVAILABLE', `snowflake-sdk cannot be loaded: ${asError(error).message}`, false, {
      cause: error,
    });
  }
}

async function load(): Promise<Driver> {
  const { default: sdk } = await import('snowflake-sdk');
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  return {
    createConnection: (options) => (options === undefined ? sdk.createConnection() : sdk.createConnection(options)),
  };
}
