/** A host that uses the Snowflake driver itself, with a log of its own, before a queue opens in the same process. */
import { readFileSync } from 'node:fs';
import sdk from 'snowflake-sdk';
import { FleetQ, type AnyFleetQ } from '../../../src/index.js';
import { snowflake, type SnowflakeConnection, type SnowflakeOptions } from '../../../src/snowflake.js';

type Given = Omit<SnowflakeOptions, 'connection'> & { readonly connection: SnowflakeConnection };
const { connection, ...place } = JSON.parse(process.argv[2] ?? '') as Given;
const LOG = 'host.log';

sdk.configure({ logLevel: 'DEBUG', logFilePath: LOG, additionalLogToConsole: false });

function connectAsHost(): Promise<void> {
  return new Promise((resolve, reject) => {
    sdk.createConnection({ ...connection }).connect((error, connected) => {
      if (error !== undefined && error !== null) reject(error);
      else connected.destroy(() => resolve());
    });
  });
}

/** The log is written asynchronously. */
async function loggedSince(length: number): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) {
    if (readFileSync(LOG, 'utf8').length > length) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

async function settledLength(): Promise<number> {
  for (let last = -1; ;) {
    const { length } = readFileSync(LOG, 'utf8');
    if (length === last) return length;
    last = length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

await connectAsHost();
const queue: AnyFleetQ = new FleetQ({ store: snowflake({ ...place, connection }) });
await queue.submit({ type: 'work' });
await queue.stop();
const before = await settledLength();
await connectAsHost();
console.log(JSON.stringify({ hostStillLogs: await loggedSince(before) }));
