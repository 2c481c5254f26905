/** A worker. Run it beside `client.ts`; the two share the file `submit-only.db`, and nothing else. */
import { FleetQ, stopOnSignals, type StepsOf } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({ store: sqlite({ path: 'submit-only.db' }) })
  .register('add', (args: { a: number; b: number }) => args.a + args.b)
  .register('greet', (args: { name: string }) => `Hello, ${args.name}.`);

/** What clients import, as a type. */
export type Steps = StepsOf<typeof queue>;

await queue.start();
console.log('the worker runs; Ctrl-C ends it');
stopOnSignals(queue, { onStopped: (signal) => console.log(`the worker has stopped after ${signal}`) });
