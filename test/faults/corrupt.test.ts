/** A damaged file causes a typed error and never a silent loss. A pod keeps trying, with pauses, and reports that it is unhealthy. */
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { faultySqlite, newQueue, nextEvent, QUICK, stopped, temporaryPath } from '../support/queues.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { backup, damage } from './support/files.js';
import { RecordedEvents } from './support/recorded-events.js';

const CORRUPT = { name: 'StoreError', code: 'STORE_CORRUPT', transient: false };
const TABLES = ['sqlite_schema', 'SCHEMA_INFO', 'STEP_TRACKER', 'POD_HEALTH'];
const INDEXES = ['STEP_READY', 'sqlite_autoindex_STEP_TRACKER_1'];

const client = (path: string) =>
  stopped(new FleetQ<{ work: { args: { i: number }; result: number } }>({ store: sqlite({ path }), ...QUICK }));
const steps = (count: number) => Array.from({ length: count }, (_, i) => ({ type: 'work' as const, args: { i } }));
const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A file with pending steps that no process has open. */
async function filled(count = 300): Promise<string> {
  const path = temporaryPath();
  const queue = new FleetQ<{ work: { args: { i: number }; result: number } }>({ store: sqlite({ path }) });
  await queue.submitMany(steps(count));
  await queue.stop();
  return path;
}

describe('when it is opened', () => {
  test.each(TABLES)(
    'with %s overwritten, start and submit fail with STORE_CORRUPT each time, and leave the file as it is',
    async (name) => {
      const path = await filled();
      damage(path, name);
      const before = hash(path);
      const queue = newQueue({ store: sqlite({ path }) }).register('work', () => 1);
      for (let times = 0; times < 2; times++) {
        await expect(queue.start()).rejects.toMatchObject(CORRUPT);
        await expect(queue.submit({ type: 'work' })).rejects.toMatchObject(CORRUPT);
      }
      expect(queue.health().status).toBe('unhealthy');
      await queue.stop();
      expect(hash(path)).toBe(before);
    },
  );

  test.each(INDEXES)('with %s overwritten, submit fails with STORE_CORRUPT and writes nothing', async (name) => {
    const path = await filled();
    damage(path, name);
    const queue = client(path);
    await expect(queue.submit({ type: 'work', args: { i: 1 } })).rejects.toMatchObject(CORRUPT);
    expect((await queue.stats()).pendingSteps).toBe(300);
  });
});

describe('while pods work', () => {
  test('submit and waitFor fail with STORE_CORRUPT, no step is reported as completed that is not, and health and an event report the damage', async () => {
    const path = await filled(20);
    let finish = (): void => {};
    const until = new Promise<void>((resolve) => (finish = resolve));
    const queue = newQueue({ store: sqlite({ path }), maxPrefetch: 0 }).register('work', async () => until);
    const events = new RecordedEvents(queue);
    await queue.start();
    await expect.poll(() => events.of('step:started').length).toBe(8);
    const [held] = events.of('step:started');
    damage(path, 'STEP_TRACKER', ...INDEXES);
    const failed = nextEvent(queue, 'store:error');
    finish();
    expect(await failed).toMatchObject({ error: CORRUPT });
    await expect(queue.submit({ type: 'work' })).rejects.toMatchObject(CORRUPT);
    await expect(queue.waitFor(held!.stepId)).rejects.toMatchObject(CORRUPT);
    expect(queue.health()).toMatchObject({
      status: 'unhealthy',
      problems: [expect.stringContaining('damaged') as string],
    });
    await queue.stop();
    expect(events.of('step:completed')).toEqual([]);
    expect(events.of('store:error')).toHaveLength(1);
  });

  test('all acknowledged steps are run once a backup has replaced the file', async () => {
    const path = temporaryPath();
    const fast = { store: sqlite({ path }), heartbeatIntervalMs: 30, deadAfterMs: 300, recoveryIntervalMs: 30 };
    const queue = newQueue({ ...fast, maxPrefetch: 0 }).register(
      'work',
      (_args: { i: number }): Promise<number> => new Promise(() => {}),
    );
    const ids = await queue.submitMany(steps(30));
    await queue.start();
    await expect.poll(async () => (await queue.stats()).claimedSteps).toBe(8);
    const copy = temporaryPath();
    backup(path, copy);
    damage(path, 'STEP_TRACKER');
    await expect(queue.submit({ type: 'work', args: { i: 0 } })).rejects.toMatchObject(CORRUPT);
    await queue.stop();

    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    copyFileSync(copy, path);
    const later = newQueue(fast).register('work', ({ i }: { i: number }) => i);
    await later.start();
    for (const [i, id] of ids.entries()) expect(await later.waitFor(id as never)).toBe(i);
  });

  test('the loops do not spin: each makes some dozens of calls a minute', async () => {
    const runtime = new VirtualRuntime();
    const path = await filled();
    const store = faultySqlite(undefined, path);
    const queue = newQueue({ store, runtime }).register('work', () => 1);
    queue.pause();
    await queue.stats(); // opens the file, and starts the helper in real time
    await runtime.until(queue.start());
    damage(path, 'STEP_TRACKER', ...INDEXES, 'POD_HEALTH');
    const before = store.store.calls.length;
    queue.resume();
    await runtime.advance(60_000);
    const calls = store.store.calls.slice(before).map(({ verb }) => verb);
    for (const verb of ['exchange', 'heartbeat', 'orphans', 'prune'] as const) {
      expect(calls.filter((each) => each === verb).length, verb).toBeLessThan(70);
    }
    expect(calls.filter((verb) => verb === 'exchange').length).toBeGreaterThan(5);
    expect(queue.health().problems.join()).toContain('damaged');
    const stopping = queue.stop();
    await runtime.advance(30_000);
    await stopping;
  });
});
