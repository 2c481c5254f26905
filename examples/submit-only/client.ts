/**
 * A process that only submits. The import from the worker is type-only, so it loads no handler and none of its
 * dependencies. The queue is never started, so it claims nothing, and does not keep the process alive.
 */
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import type { Steps } from './worker.js';

const queue = new FleetQ<Steps>({ store: sqlite({ path: 'submit-only.db' }) });

const sum = await queue.submit({ type: 'add', args: { a: 20, b: 22 } });
const greeting = await queue.submit({ type: 'greet', args: { name: 'Alice' } });
console.log('submitted two steps');

console.log(await queue.waitFor(sum, { timeoutMs: 60_000 }), await queue.waitFor(greeting, { timeoutMs: 60_000 }));
await queue.stop();
