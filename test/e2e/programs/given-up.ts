/** A pod that stops while its store does not answer; it ends when nothing keeps its process alive. */
import { once } from 'node:events';
import { FleetQ } from '../../../src/index.js';
import { snowflake, type SnowflakeOptions } from '../../../src/snowflake.js';

const options = JSON.parse(process.argv[2] ?? '') as SnowflakeOptions;
const bounds = { claimIntervalMs: 50, idleIntervalMs: 50, drainTimeoutMs: 500, abortGraceMs: 100 };
const queue = new FleetQ({ store: snowflake(options), ...bounds });
queue.register('work', () => 'done');

const started = queue.start().then(
  () => 'started',
  () => 'not started',
);
// A login that is never answered emits nothing.
if (process.argv[3] !== 'at once') console.log(await started);
await once(process.stdin, 'data');
process.stdin.destroy();
await queue.stop().catch(() => {});
console.log('stopped');
