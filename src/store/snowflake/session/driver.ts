/**
 * Loads the Snowflake driver when a store opens. The driver is heavy, so a process on another store never loads it.
 *
 * Invariants:
 * - snowflake-sdk is touched here and nowhere else.
 * - The driver's settings are global to the process. A host that has loaded the driver itself keeps its own: nothing is
 *   configured then. Where the queue is the first to load it, the driver's log is turned off: by default the driver
 *   writes `snowflake.log` into the working directory and prints to the console.
 */
import { resolve } from 'node:path';
import type { Connection } from 'snowflake-sdk';
import { notLoaded } from '../../../driver/missing.js';
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
    createConnection: (options) => (options === undefined ? sdk.createConnection() : sdk.createConnection(options)),
  };
}
