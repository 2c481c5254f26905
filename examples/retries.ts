/**
 * How a handler decides about a retry.
 *
 * - It throws: the attempt is charged, and the step is retried by the retry policy, up to `maxRetries` times.
 * - It throws `RetryLaterError`: the same, after a delay that the handler chooses.
 * - It throws `PermanentFailureError`: the step fails at once.
 * - It calls `ctx.release()`: the step is given back, to run later, and nothing is charged.
 */
import { defineStep, FleetQ, PermanentFailureError, RetryLaterError, StepFailedError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const flaky = defineStep({
  type: 'flaky',
  maxRetries: 2, // at most three charged runs
  retry: { baseMs: 20, capMs: 100 },
  run: (args: { worksAt: number }, ctx) => {
    if (ctx.attempt < args.worksAt) throw new Error(`attempt ${ctx.attempt} failed`);
    return { attempt: ctx.attempt };
  },
});

const limited = defineStep({
  type: 'limited',
  run: (_args: undefined, ctx) => {
    if (ctx.attempt === 1) throw new RetryLaterError(50, 'the service asked for 50 ms');
    return 'served';
  },
});

const charge = defineStep({
  type: 'charge',
  run: (args: { card: string }) => {
    if (args.card === 'expired') throw new PermanentFailureError('the card has expired');
    return 'charged';
  },
});

let isOpen = false;
const afterOpening = defineStep({
  type: 'after_opening',
  run: (_args: undefined, ctx) => {
    if (!isOpen) {
      isOpen = true;
      ctx.release({ delayMs: 50 }); // leaves the handler
    }
    return { attempt: ctx.attempt };
  },
});

const queue = new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [flaky, limited, charge, afterOpening] });
queue.on('step:retrying', ({ type, attempt, error }) => console.log(`${type}: attempt ${attempt}: ${error.message}`));
queue.on('step:released', ({ type, delayMs }) => console.log(`${type}: given back for ${delayMs} ms`));
await queue.start();

console.log('flaky:', await queue.waitFor(await queue.submit({ type: 'flaky', args: { worksAt: 3 } })));
console.log('limited:', await queue.waitFor(await queue.submit({ type: 'limited' })));
console.log('after_opening:', await queue.waitFor(await queue.submit({ type: 'after_opening' })));

for (const step of [
  { type: 'flaky', args: { worksAt: 4 } },
  { type: 'charge', args: { card: 'expired' } },
] as const) {
  const stepId = await queue.submit(step);
  try {
    await queue.waitFor(stepId);
  } catch (error) {
    if (!(error instanceof StepFailedError)) throw error;
    const { retryCount } = await queue.getStep(stepId);
    console.log(`${step.type} failed after ${retryCount} retries: ${error.cause?.message}`);
  }
}

await queue.stop();
