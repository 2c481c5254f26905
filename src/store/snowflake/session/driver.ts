/**
 * Loads the Snowflake driver when a store opens. The driver is heavy, so a process on another store never loads it.
 *
 * Invariants:
 * - snowflake-sdk is imported here and nowhere else.
 * - The driver's settings are global to the process, and the application may use the driver itself. So nothing is configured,
 *   with one exception: if the queue is the first to load the driver, the driver's log is turned off. By default it writes
 *   `snowflake.log` into the working directory and prints to the console. The driver has one logger for the process, and it
 *   does not know the connection of a message, so the log cannot be off for the queue alone. A later `configure` of the
 *   application wins.
 * - When the driver is loaded it asks the metadata services of clouds, unless `SNOWFLAKE_DISABLE_PLATFORM_DETECTION` is set.
 *   The answer holds for every connection of the process, so the store does not switch it off.
 * - The application's own `SF_OCSP_RESPONSE_CACHE_SERVER_URL` stays, also over a private link.
 */
import { resolve } from 'node:path';
import type { Connection } from 'snowflake-sdk';
import { notLoaded } from '../../../driver/driver-missing.js';
import type { SnowflakeConnection } from '../options.js';

/** The part of the driver that a session uses. */
export interface Driver {
  /** Without options the driver reads its `connections.toml`. May throw. */
  createConnection(options: SnowflakeConnection | undefined): Connection;
}

let loading: Promise<Driver> | undefined;

/** @throws StoreError `STORE_DRIVER_MISSING` */
export async function loadDriver(): Promise<Driver> {
  loading ??= load();
  try {
    return await loading;
  } catch (error) {
    loading = undefined; // it may be installed before the next try
    throw notLoaded('snowflake-sdk', error, 'Run: npm install snowflake-sdk');
  }
}

async function load(): Promise<Driver> {
  // The module cache is one for the process, so any path gives it.
  const { cache } = process.getBuiltinModule('node:module').createRequire(resolve('/')); // webpack warns about an import
  const loadedBefore = new Set(Object.keys(cache));
  const { default: sdk } = await import('snowflake-sdk');
  const file = Object.keys(cache).find((path) => cache[path]?.exports === sdk);
  const wasLoadedByApplication = file !== undefined && loadedBefore.has(file);
  if (!wasLoadedByApplication) sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  return {
    createConnection: (options) =>
      keepingOcspServer(options === undefined ? sdk.createConnection() : sdk.createConnection(options)),
  };
}

/** The driver calls this method of a connection before it connects over a private link. */
function keepingOcspServer(connection: Connection): Connection {
  const setup = connection.setupOcspPrivateLink.bind(connection);
  connection.setupOcspPrivateLink = (host) => {
    if (process.env['SF_OCSP_RESPONSE_CACHE_SERVER_URL'] === undefined) setup(host);
  };
  return connection;
}
