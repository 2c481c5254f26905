/** Submits two steps to the file that the argument names, and is killed with the -wal in place. */
import { createLog } from '../../../../src/log.js';
import { systemRuntime } from '../../../../src/runtime/runtime.js';
import { sqlite } from '../../../../src/sqlite.js';
import { newSteps } from '../../../conformance/harness.js';

const store = await sqlite({ path: process.argv[2]! }).create({ runtime: systemRuntime, log: createLog('test') });
await store.submit(newSteps(2));
process.kill(process.pid, 'SIGKILL');
