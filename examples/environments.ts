/**
 * One program for every environment: `FleetQ.fromEnv()` reads the `FLEET_Q_*` variables. Options that are passed come first,
 * then the variables, then the defaults. Try it with
 *
 *     FLEET_Q_SQLITE_PATH=staging.db FLEET_Q_MAX_PARALLELISM=4 FLEET_Q_LOG_LEVEL=INFO
 */
import { FleetQ } from 'fleet-q';

const queue = FleetQ.fromEnv({ maxRetries: 5, meta: { region: process.env['REGION'] ?? 'local' } }).register(
  'where',
  (_args: undefined, ctx) => ({ podId: ctx.podId, maxRetries: ctx.maxRetries }),
);

await queue.start();
const { status, maxCapacity } = queue.health();
console.log(`${queue.podId} is ${status} and has ${maxCapacity} slots`);
console.log(await queue.waitFor(await queue.submit({ type: 'where' })));
await queue.stop();
