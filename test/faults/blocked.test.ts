/**
 * A handler that blocks the event loop for longer than dead-after, so that its pod cannot send heartbeats. The step is not
 * lost and is settled once; the fence decides by which pod.
 */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { startProgram } from '../support/child.js';
import { newQueue, stopped, temporaryPath } from '../support/queues.js';
import { shiftedRuntime } from '../support/shifted-runtime.js';
import { RecordedEvents } from './support/recorded-events.js';

const FAST = { heartbeatIntervalMs: 60, deadAfterMs: 400, recoveryIntervalMs: 60 };
const WAIT = { timeout: 20_000 };
const LONG = { timeout: 60_000 };

/** A pod in a process of its own, with a submitted step and the lines that it has printed. */
async function blocker(path: string): Promise<{ said: () => string[] }> {
  const child = startProgram('blocker', [path, 'ada']);
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  const said = (): string[] => text.split('\n');
  await expect.poll(said, WAIT).toContain('ready');
  return { said };
}

/** Lets run number n continue. */
const unblock = (path: string, nth: number): void => writeFileSync(`${path}.${nth}`, '');

const clientOf = (path: string) =>
  stopped(new FleetQ<{ work: { args: undefined; result: { by: string } } }>({ store: sqlite({ path }) }));

test(
  'is evicted; another pod finishes the step; the late result is refused; the pod joins again and works',
  LONG,
  async () => {
    const path = temporaryPath();
    const client = clientOf(path);
    const ada = await blocker(path);
    const id = await client.submit({ type: 'work' });
    await expect.poll(ada.said, WAIT).toContain('blocked 1');
    const grace = newQueue({ store: sqlite({ path }), podId: 'grace', ...FAST }).register('work', () => ({
      by: 'grace',
    }));
    const events = new RecordedEvents(grace);
    await grace.start();
    expect(await client.waitFor(id)).toEqual({ by: 'grace' });
    expect(events.of('pod:dead')).toMatchObject([{ podId: 'ada' }]);

    unblock(path, 1);
    await expect.poll(ada.said, WAIT).toContain('lost completed');
    expect(ada.said()).toContain('fenced evicted');
    expect(await client.getStep(id)).toMatchObject({ result: { by: 'grace' }, retryCount: 0, crashes: 1 });
    await grace.stop();
    const next = await client.submit({ type: 'work' });
    unblock(path, 2);
    expect(await client.waitFor(next)).toEqual({ by: 'ada' });
    await expect.poll(ada.said, WAIT).toContain('completed by ada');
    expect(ada.said().filter((line) => line.startsWith('completed'))).toHaveLength(1);
  },
);

test('has its late result accepted if no pod has evicted it, and nothing runs twice', async () => {
  const runtime = shiftedRuntime();
  const queue = newQueue({ store: sqlite({ path: temporaryPath() }), runtime, maxPrefetch: 0, maxParallelism: 1 });
  let runs = 0;
  const worker = queue.register('work', () => {
    runs++;
    if (runs === 1) runtime.pass(60_000); // no other code of this process has run meanwhile
    return runs;
  });
  const events = new RecordedEvents(worker);
  await worker.start();
  const ids = await worker.submitMany([{ type: 'work' }, { type: 'work' }]);
  expect(await worker.waitFor(ids[0]!)).toBe(1);
  expect(await worker.waitFor(ids[1]!)).toBe(2);
  expect(runs).toBe(2);
  expect(events.of('pod:fenced')).toMatchObject([{ reason: 'frozen', recoverable: true }]);
  expect(events.of('step:lost')).toEqual([]);
  expect(events.of('pod:dead')).toEqual([]);
});

test('fails permanently once it has blocked each pod alone, and no other step fails with it', LONG, async () => {
  const path = temporaryPath();
  const client = clientOf(path);
  const leader = newQueue({ store: sqlite({ path }), podId: 'grace', ...FAST, maxCrashes: 1 }).register(
    'other',
    () => 'well',
  );
  await leader.start();
  const ada = await blocker(path);
  const id = await client.submit({ type: 'work' });
  for (const nth of [1, 2, 3]) {
    await expect.poll(ada.said, WAIT).toContain(`blocked ${nth}`);
    expect(await leader.waitFor(await leader.submit({ type: 'other' }))).toBe('well');
    await expect.poll(async () => (await client.getStep(id)).crashes, WAIT).toBe(nth);
    unblock(path, nth);
  }
  await expect(client.waitFor(id)).rejects.toMatchObject({
    code: 'STEP_FAILED',
    cause: { code: 'STEP_CRASHED_POD' },
  });
  await expect.poll(() => ada.said().filter((line) => line === 'lost completed').length, WAIT).toBe(3);
  expect(await client.getStep(id)).toMatchObject({ status: 'failed', crashes: 3 });
});
