/** A pod that runs a handler which submits a step, says so, and goes on for ever. */
import { defineStep, FleetQ } from '../../../src/index.js';
import { sqlite } from '../../../src/sqlite.js';

const [path = '', podId = ''] = process.argv.slice(2);

const child = defineStep({ type: 'child', run: (args: { n: number }) => args.n });
const queue = new FleetQ({ store: sqlite({ path }), podId, concurrency: 1 }).register(
  'parent',
  async (_: undefined, { submit }): Promise<string> => {
    process.stdout.write(`${await submit(child, { n: 1 })}\n`);
    return new Promise<never>(() => {});
  },
);
await queue.start();
