/** The application under test: what happens after an order was placed. `orders.test.ts` tests it. */
import { defineStep, PermanentFailureError } from 'fleet-q';

/** The services of others; a test passes stubs. */
export interface Services {
  /** Charges the order once for each key, however often it is called. */
  charge(order: string, key: string): Promise<void>;
  mail(to: string, text: string, key: string): Promise<void>;
}

const DAY = 86_400_000;

export function orderSteps(services: Services) {
  const askForReview = defineStep({
    type: 'ask_for_review',
    run: ({ order, email }: { order: string; email: string }, { idempotencyKey }) =>
      services.mail(email, `How do you like order ${order}?`, idempotencyKey),
  });

  const chargeOrder = defineStep({
    type: 'charge_order',
    maxRetries: 5,
    async run({ order, email }: { order: string; email: string }, ctx) {
      if (!email.includes('@')) throw new PermanentFailureError(`no address: ${email}`);
      await services.charge(order, ctx.idempotencyKey);
      await services.mail(email, `Thank you for order ${order}.`, ctx.idempotencyKey);
      await ctx.submit(askForReview, { order, email }, { delayMs: 14 * DAY });
    },
  });

  return { chargeOrder, askForReview };
}
