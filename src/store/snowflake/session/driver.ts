/**
 * Loads the Snowflake driver when a store opens. The driver is heavy, so a process on another store never loads it.
 *
 * Invariants:
 * - snowflake-sdk is touched here and nowhere else.
 * - The driver's settings are global to the process, and a host may use the driver itself. Nothing is configured, with one
 *   exception: where the queue is the first to load the driver, its log is turned off. By default it writes
 *   `snowflake.log` into the working directory and prints to the console. Its logger is one for the process and does not
 *   know the connection of a message, so the log cannot be off for the queue alone. A later `configure` of the host wins.
 * - The driver asks the metadata services of clouds when it is loaded, as an environment variable of the host says
 *   (`SNOWFLAKE_DISABLE_PLATFORM_DETECTION`). The answer holds for every connection of the process, so the store does
 *   not switch it off.
 * - A private link's OCSP server is another such variable (`SF_OCSP_RESPONSE_CACHE_SERVER_URL`): the host's own value stays.
 */
import { resolve } from 'node:path';
import type { Connection } from 'snowflake-sdk';
import { notLoaded } from '../../../driver/driver-missing.js';
import type { SnowflakeConnection } from '../options.js';

/** What a session needs of the driver. */
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
    loading = undefined; // it may be installed by the next try
    throw notLoaded('snowflake-sdk', error, 'Run: npm install snowflake-sdk');
  }
}

async function load(): Promise<Driver> {
  // The cache of the process, whichever file asks for it.
  const { cache } = process.getBuiltinModule('node:module').createRequire(resolve('/')); // webpack warns of an import
  const loadedBefore = new Set(Object.keys(cache));
  const { default: sdk } = await import('snowflake-sdk');
  const file = Object.keys(cache).find((path) => cache[path]?.exports === sdk);
  const isTheHosts = file !== undefined && loadedBefore.has(file);
  if (!isTheHosts) sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  return {
    createConnection: (options) =>
      respectful(options === undefined ? sdk.createConnection() : sdk.createConnection(options)),
  };
}

/** The driver calls this method of a connection before it connects over a private link. */
function respectful(connection: Connection): Connection {
  const setup = connection.setupOcspPrivateLink.bind(connection);
  connection.setupOcspPrivateLink = (host) => {
    if (process.env['SF_OCSP_RESPONSE_CACHE_SERVER_URL'] === undefined) setup(host);
  };
  return connection;
}
