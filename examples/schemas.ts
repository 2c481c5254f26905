/**
 * Args with a schema: any Standard Schema validator works (here zod; also valibot, arktype and others).
 *
 * What is stored is the schema's input, so it is plain JSON. The handler gets the schema's output. So a schema may turn a
 * string into a Date, or fill in a default.
 */
import { defineStep, FleetQ, ValidationError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { z } from 'zod';

const book = defineStep({
  type: 'book',
  args: z.object({
    at: z.iso.datetime().transform((text) => new Date(text)),
    seats: z.int().positive().default(1),
  }),
  // `at` is a Date here, and `seats` a number that is always there.
  run: ({ at, seats }) => ({ weekday: at.getUTCDay(), seats }),
});

const queue = new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [book] });
await queue.start();

// The submitter passes the input: a string, and no seats.
const stepId = await queue.submit({ type: 'book', args: { at: '2030-01-01T20:00:00Z' } });
console.log(await queue.waitFor(stepId));
console.log('stored:', (await queue.getStep(stepId)).args);

try {
  await queue.submit({ type: 'book', args: { at: 'tomorrow', seats: 2 } });
} catch (error) {
  if (!(error instanceof ValidationError)) throw error;
  console.log(`${error.code} ${error.message}`); // nothing was written
}

await queue.stop();
