/** A whole life on Snowflake that prints nothing: a refused login, a successful one, work, and a stop. */
import { FleetQ } from '../../../src/index.js';
import { snowflake, type SnowflakeConnection, type SnowflakeOptions } from '../../../src/snowflake.js';

type Given = Omit<SnowflakeOptions, 'connection'> & { readonly connection: SnowflakeConnection };
const { connection, ...place } = JSON.parse(process.argv[2] ?? '') as Given;

let tries = 0;
const queue = new FleetQ({
  store: snowflake({ ...place, connection: () => (++tries === 1 ? { ...connection, password: 'wrong' } : connection) }),
  claimIntervalMs: 50,
  idleIntervalMs: 50,
}).register('work', () => 'done');

const refused = await queue.start().then(
  () => 'it went through',
  (error: unknown) => (error as { readonly code?: unknown }).code,
);
await queue.start();
const result = await queue.waitFor(await queue.submit({ type: 'work' }));
await queue.stop();
if (refused !== 'STORE_LOGIN_REFUSED' || result !== 'done') process.exitCode = 3;
