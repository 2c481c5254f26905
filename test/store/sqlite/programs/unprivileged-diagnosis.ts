/** Writes the findings of the file that the argument names, as JSON. A program of root gives up its privileges first. */
import { createLog } from '../../../../src/log.js';
import { systemRuntime } from '../../../../src/runtime/runtime.js';
import { sqlite } from '../../../../src/sqlite.js';

/** The user `nobody`, who owns nothing. */
const NOBODY = 65_534;

const newStore = (path: string) => sqlite({ path }).create({ runtime: systemRuntime, log: createLog('test') });

// What is loaded on first use is loaded now: `nobody` may not read the folder of the project.
const store = await newStore(':memory:');
await store.diagnose();
await store.close();

if (process.getuid!() === 0) {
  process.setgroups!([]);
  process.setgid!(NOBODY);
  process.setuid!(NOBODY);
}

const { findings } = await (await newStore(process.argv[2]!)).diagnose();
console.log(JSON.stringify(findings));
