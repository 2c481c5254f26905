/**
 * A pod whose handler blocks the event loop: run number n, until a file exists that is named after the queue and n. It prints
 * its events, one line each.
 */
import { existsSync, writeSync } from 'node:fs';
import { FleetQ } from '../../../src/index.js';
import { sqlite } from '../../../src/sqlite.js';

const [path = '', podId = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const clock = new Int32Array(new SharedArrayBuffer(4));
let runs = 0;

const queue = new FleetQ({
  store: sqlite({ path }),
  podId,
  heartbeatIntervalMs: 60,
  deadAfterMs: 400,
  recoveryIntervalMs: 60,
}).register('work', () => {
  const run = ++runs;
  say(`blocked ${run}`);
  while (!existsSync(`${path}.${run}`)) Atomics.wait(clock, 0, 0, 10);
  return { by: podId };
});

queue.on('pod:fenced', ({ reason }) => say(`fenced ${reason}`));
queue.on('step:lost', ({ refused }) => say(`lost ${refused}`));
queue.on('step:completed', ({ result }) => say(`completed by ${result.by}`));
await queue.start();
say('ready');
