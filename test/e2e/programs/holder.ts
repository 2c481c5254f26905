/** A pod with one slot, whose step runs forever. It prints a line when the step has begun. */
import { FleetQ } from '../../../src/index.js';
import { sqlite } from '../../../src/sqlite.js';

const [path = '', podId = ''] = process.argv.slice(2);

const options = { store: sqlite({ path }), podId, maxParallelism: 1, capacityThreshold: 1 };
const queue = new FleetQ(options).register('long', () => new Promise<never>(() => {}));
queue.on('step:started', ({ stepId }) => process.stdout.write(`${stepId}\n`));
await queue.start();
