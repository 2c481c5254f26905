/**
 * Two ways to end a handler: `cancel` and a time-out.
 *
 * Both abort `ctx.signal`. If a handler passes the signal on to everything that it awaits, it ends by itself. If it ignores
 * its signal, it continues as a stray, and keeps its slot until it returns.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetQ, StepCancelledError, StepFailedError, type FleetQError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({ store: sqlite({ path: ':memory:' }) })
  .register('endless', async (_args: undefined, ctx) => {
    ctx.signal.addEventListener('abort', () => {
      console.log('endless: aborted with', (ctx.signal.reason as FleetQError).code);
    });
    await once(ctx.signal, 'abort'); // stands for work that never ends
    ctx.signal.throwIfAborted();
  })
  .register('slow', (_args: undefined, ctx) => sleep(60_000, 'done', { signal: ctx.signal }), {
    timeoutMs: 100,
    maxRetries: 0,
  });

await queue.start();

const started = new Promise<void>((resolve) => queue.once('step:started', () => resolve()));
const endless = await queue.submit({ type: 'endless' });
await started;
console.log('cancel:', await queue.cancel(endless)); // the step is terminal from here on
console.log('cancel again:', await queue.cancel(endless));
await queue.waitFor(endless).catch((error: unknown) => {
  if (!(error instanceof StepCancelledError)) throw error;
  console.log('endless:', error.code);
});

const slow = await queue.submit({ type: 'slow' });
await queue.waitFor(slow).catch((error: unknown) => {
  if (!(error instanceof StepFailedError)) throw error;
  console.log('slow:', error.code, error.cause?.code);
});

console.log('strays:', (await queue.stats()).strays);
await queue.stop();
