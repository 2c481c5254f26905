/** Events: what a queue reports to its host, and when. docs/events.md describes each. */
import { EVENT_NAMES, FleetQ, type EventName } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({ store: sqlite({ path: ':memory:' }) })
  .register('double', (args: { n: number }) => args.n * 2)
  .register('name', (args: { of: string }) => args.of.toUpperCase());

// One listener for one event: its payload is typed, and checking `type` narrows it.
queue.on('step:completed', (event) => {
  if (event.type === 'double') console.log(`${event.args.n} doubled is ${event.result}`);
});

// If a listener throws or rejects, the error is logged, and nothing else is affected.
queue.on('step:completed', () => {
  throw new Error('this listener is broken');
});

// `on` and `once` return a function that removes the listener.
const removers = EVENT_NAMES.map((name: EventName) => queue.on(name, () => console.log(name)));

await queue.start();
await queue.waitFor(await queue.submit({ type: 'double', args: { n: 21 } }));
for (const remove of removers) remove();
await queue.waitFor(await queue.submit({ type: 'name', args: { of: 'alice' } })); // no listener of these is left

queue.on('queue:stopped', ({ finished, released, strays }) => console.log('stopped:', { finished, released, strays }));
await queue.stop();
