/** A worker. Run it beside `client.ts`. The two share the file `submit-only.db`, and nothing else. */
import { FleetQ, stopOnSignals, type StepsOf } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({ store: sqlite({ path: 'submit-only.db' }) })
  .register('add', (args: { a: number; b: number }) => args.a + args.b)
  .register('greet', (args: { name: string }) => `Hello, ${args.name}.`);

/** The types that clients import. */
export type Steps = StepsOf<typeof queue>;

await queue.start();
console.log('the worker runs; press Ctrl-C to stop it');
stopOnSignals(queue, { onStopped: (signal) => console.log(`the worker has stopped after ${signal}`) });
