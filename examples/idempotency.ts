/**
 * Two kinds of idempotency.
 *
 * - Of submission: steps of one type and `idempotencyKey` are one step, as long as it is kept.
 * - Of execution: a step may run twice, if its pod dies after the work and before the settlement. So a handler passes
 *   `ctx.idempotencyKey` to the services that it calls. It is the same for every attempt of the step.
 */
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

/** A payment service that accepts an idempotency key, as many do. */
const payments = new Map<string, number>();
function pay(amount: number, key: string): void {
  if (!payments.has(key)) payments.set(key, amount);
}

const queue = new FleetQ({ store: sqlite({ path: ':memory:' }), retry: { baseMs: 10 } }).register(
  'pay_invoice',
  (args: { invoice: string; amount: number }, ctx) => {
    pay(args.amount, ctx.idempotencyKey);
    if (ctx.attempt === 1) throw new Error('the connection broke after the payment');
    return { paid: args.amount };
  },
);
await queue.start();

const invoice = { type: 'pay_invoice', args: { invoice: 'A-17', amount: 40 }, idempotencyKey: 'A-17' } as const;
const first = await queue.submitWithReceipt(invoice);
const second = await queue.submitWithReceipt(invoice);
const third = await queue.submitWithReceipt({ ...invoice, args: { invoice: 'A-17', amount: 4_000 } });
console.log('receipts:', first.receipt, second.receipt, third.receipt);
console.log('one step:', new Set([first.stepId, second.stepId, third.stepId]).size === 1);

console.log('result:', await queue.waitFor(first.stepId));
console.log('payments:', [...payments.values()]);

await queue.stop();
