/** A host that loads the Snowflake driver after the queue, and configures its log then. It prints the log lines. */
import { FleetQ } from '../../../src/index.js';
import { snowflake, type SnowflakeConnection, type SnowflakeOptions } from '../../../src/snowflake.js';
import { growsBeyond, HOST_LOG, settledLength } from './host-log.js';

type Given = Omit<SnowflakeOptions, 'connection'> & { readonly connection: SnowflakeConnection };
const { connection, ...place } = JSON.parse(process.argv[2] ?? '') as Given;

async function queueAtWork(meanwhile: () => void): Promise<void> {
  const store = snowflake({ ...place, connection });
  const queue = new FleetQ({ store, drainTimeoutMs: 500 }).register('work', () => 'done');
  await queue.start();
  meanwhile();
  await queue.waitFor(await queue.submit({ type: 'work' }));
  await queue.stop();
}

await queueAtWork(() => {});
const { default: sdk } = await import('snowflake-sdk');
await queueAtWork(() => sdk.configure({ logLevel: 'DEBUG', logFilePath: HOST_LOG, additionalLogToConsole: false }));
// A second queue changes nothing.
await queueAtWork(() => {});
const length = await settledLength();
const host = sdk.createConnection(connection);
await new Promise<void>((resolve, reject) => {
  host.connect((error) => (error === undefined || error === null ? resolve() : reject(error)));
});
await new Promise<void>((resolve) => host.destroy(() => resolve()));
console.log(JSON.stringify({ logsTheQueue: length > 0, logsTheHost: await growsBeyond(length) }));
