/** A pod whose process is killed by a step that asks for it. */
import { FleetQ } from '../../../src/index.js';
import { sqlite } from '../../../src/sqlite.js';

const [path = '', podId = '', maxCrashes = '3'] = process.argv.slice(2);

const queue = new FleetQ({
  store: sqlite({ path }),
  podId,
  heartbeatIntervalMs: 60,
  deadAfterMs: 240,
  recoveryIntervalMs: 60,
  maxCrashes: Number(maxCrashes),
}).register('work', async ({ kills }: { kills: boolean }) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (kills) process.kill(process.pid, 'SIGKILL');
});

await queue.start();
process.stdout.write('ready\n');
