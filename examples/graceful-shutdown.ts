/**
 * Stopping on a signal: Kubernetes sends SIGTERM, and SIGKILL 30 s later.
 *
 * The library installs no signal handler by itself, so `stopOnSignals` has to be called. At the first signal the queue claims
 * nothing more, lets running steps finish within `drainTimeoutMs`, aborts the rest, and gives back what it holds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetQ, stopOnSignals } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({
  store: sqlite({ path: ':memory:' }),
  drainTimeoutMs: 500,
  concurrency: 2,
})
  .register('short', async (_args: undefined, ctx) => {
    await sleep(200, undefined, { signal: ctx.signal });
    return 'finished';
  })
  .register('long', async (_args: undefined, ctx) => sleep(60_000, 'finished', { signal: ctx.signal }));

queue.on('step:completed', ({ type }) => console.log(`${type} finished`));
queue.on('step:released', ({ type, reason }) => console.log(`${type} was given back: ${reason}`));
queue.on('queue:stopped', ({ finished, released, strays }) => console.log({ finished, released, strays }));

// Without `onStopped` the signal is sent again once the queue has stopped, and ends the process in its usual way.
stopOnSignals(queue, { onStopped: (signal) => console.log(`stopped after ${signal}`) });

await queue.start();
let running = 0;
const both = new Promise<void>((resolve) => queue.on('step:started', () => ++running === 2 && resolve()));
await queue.submitMany([{ type: 'short' }, { type: 'long' }]);
await both;
process.kill(process.pid, 'SIGTERM'); // as Kubernetes would
