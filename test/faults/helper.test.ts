/** If the helper thread cannot start, or exits during its work, its operations run inline in small pieces. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { FleetQOptions } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { newQueue, temporaryPath } from '../support/queues.js';
import { temporaryFolder } from '../support/temp.js';
import { WORKER_URL } from '../store/sqlite/support/files.js';

const nowhere = (): URL => new URL('./no-such-worker.js', import.meta.url);

/** The real helper, whose third task ends it together with the other tasks in progress. */
function mortal(): URL {
  const file = join(temporaryFolder(), 'worker.mjs');
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';
     await import(${JSON.stringify(WORKER_URL.href)});
     let tasks = 0;
     parentPort.on('message', () => { if (++tasks === 3) process.exit(1); });`,
  );
  return pathToFileURL(file);
}

describe.each([
  ['cannot start', nowhere],
  ['exits during its work', mortal],
])('where it %s', (_how, module) => {
  /** A queue on a file of its own, and the warnings of its store. */
  function queueOn(path: string, options: FleetQOptions & { steps?: undefined } = {}) {
    const warnings: string[] = [];
    const ignore = (): void => {};
    const warn = (_fields: object, message: string): void => void warnings.push(message);
    const logger = { debug: ignore, info: ignore, warn, error: warn };
    const store = sqlite({ path, workerUrl: module() });
    const queue = newQueue({ store, logger, maxParallelism: 100, ...options }).register(
      'work',
      ({ i }: { i: number }) => i,
    );
    return { queue, warnings };
  }
  const steps = (count: number) => Array.from({ length: count }, (_, i) => ({ type: 'work' as const, args: { i } }));

  test('stats and long lists return, also several at the same time', async () => {
    const { queue, warnings } = queueOn(temporaryPath());
    await queue.submitMany(steps(6_000));
    const asked = Array.from({ length: 8 }, () => queue.stats());
    const none = queue.listSteps({ type: 'none' }).page();
    for (const { pendingSteps } of await Promise.all(asked)) expect(pendingSteps).toBe(6_000);
    expect((await none).steps).toEqual([]);
    expect(await queue.stats()).toMatchObject({ pendingSteps: 6_000 });
    expect(warnings).toEqual(['no helper thread: checkpoints, stats and long lists run inline']);
  });

  test('every step is run once, and the -wal stays bounded', async () => {
    const path = temporaryPath();
    const { queue } = queueOn(path);
    const completed: string[] = [];
    queue.on('step:completed', ({ stepId }) => void completed.push(stepId));
    await Promise.all([queue.stats(), queue.stats(), queue.stats()]);
    await queue.start();
    const ids = await queue.submitMany(steps(20_000));
    await expect.poll(() => completed.length, { timeout: 15_000 }).toBe(ids.length);
    expect(new Set(completed).size).toBe(ids.length);
    expect(statSync(`${path}-wal`).size).toBeLessThan(8_000_000);
    expect(await queue.stats()).toMatchObject({ completedSteps: 20_000, pendingSteps: 0, claimedSteps: 0 });
  });

  test('steps past their retention are deleted', async () => {
    const path = temporaryPath();
    const { queue } = queueOn(path);
    await queue.start();
    const ids = await queue.submitMany(steps(1_200));
    for (const id of ids) await queue.waitFor(id);
    await queue.stop();
    const { queue: later } = queueOn(path, { retentionMs: 0 });
    await later.start(); // it leads, and runs retention
    await expect.poll(async () => (await later.listSteps().page()).steps.length).toBe(0);
  });
});
