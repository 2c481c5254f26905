import { defineStep } from 'fleet-q';

export const sendEmail = defineStep({
  type: 'send_email',
  maxRetries: 5,
  retry: { baseMs: 10_000 },
  async run(args: { to: string; subject: string }) {
    return { accepted: args.to.includes('@') };
  },
});
