/**
 * The disk is full: submit fails with STORE_FULL, the pool keeps its outcomes, and all continue when there is space again.
 *
 * The connection's limit of pages bounds the space. That works everywhere, and SQLite returns the same error as for a full
 * disk. The driver is wrapped, so that the test can reach the queue's connection.
 */
import type BetterSqlite3 from 'better-sqlite3';
import { beforeEach, expect, test, vi } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { newQueue, nextEvent, QUICK, stopped, temporaryPath } from '../support/queues.js';
import { RecordedEvents } from './support/recorded-events.js';

const opened = vi.hoisted((): BetterSqlite3.Database[] => []);

vi.mock('better-sqlite3', async (importOriginal) => {
  const { default: Driver } = await importOriginal<{ default: typeof BetterSqlite3 }>();
  return {
    default: class extends Driver {
      constructor(...args: ConstructorParameters<typeof Driver>) {
        super(...args);
        opened.push(this);
      }
    },
  };
});

const FULL = { name: 'StoreError', code: 'STORE_FULL', transient: true };
const LARGE = 'x'.repeat(100_000);

beforeEach(() => {
  opened.length = 0;
});

/** From now on the file may grow by this many pages. */
function leave(path: string, pages: number): void {
  for (const connection of opened) {
    if (!connection.open || connection.name !== path) continue;
    connection.pragma(`max_page_count = ${Number(connection.pragma('page_count', { simple: true })) + pages}`);
  }
}

test('submit fails with STORE_FULL, writes nothing, and succeeds under the same key once there is space', async () => {
  const path = temporaryPath();
  const client = stopped(new FleetQ<{ work: { args: string; result: null } }>({ store: sqlite({ path }), ...QUICK }));
  const before = await client.submit({ type: 'work', args: 'small' });
  leave(path, 4);
  const step = { type: 'work', args: LARGE, idempotencyKey: 'once' } as const;
  await expect(client.submit(step)).rejects.toMatchObject(FULL);
  expect((await client.stats()).pendingSteps).toBe(1);
  expect(await client.getStep(before)).toMatchObject({ status: 'pending', args: 'small' });
  leave(path, 100_000);
  expect(await client.submitWithReceipt(step)).toMatchObject({ receipt: 'created' });
});

test('submitMany reports which steps are stored', async () => {
  const path = temporaryPath();
  const client = stopped(new FleetQ<{ work: { args: string; result: null } }>({ store: sqlite({ path }), ...QUICK }));
  await client.stats();
  leave(path, 300);
  const steps = Array.from({ length: 4_000 }, () => ({ type: 'work' as const, args: 'x'.repeat(300) }));
  const error: unknown = await client.submitMany(steps).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'SUBMIT_INCOMPLETE', cause: FULL });
  const { stepIds } = error as { stepIds: readonly string[] };
  expect(stepIds.length).toBeGreaterThan(0);
  expect((await client.stats()).pendingSteps).toBe(stepIds.length);
});

test('the pool keeps its outcomes, runs nothing twice, and settles when there is space again', async () => {
  const path = temporaryPath();
  let finish = (): void => {};
  const until = new Promise<void>((resolve) => (finish = resolve));
  let runs = 0;
  const queue = newQueue({ store: sqlite({ path }), maxPrefetch: 0 }).register('work', async () => {
    runs++;
    await until;
    return LARGE;
  });
  const events = new RecordedEvents(queue);
  await queue.start();
  const ids = await queue.submitMany(Array.from({ length: 8 }, () => ({ type: 'work' as const })));
  await expect.poll(() => runs).toBe(8);
  leave(path, 4);
  const failed = nextEvent(queue, 'store:error');
  finish();
  expect(await failed).toMatchObject({ operation: 'exchange', error: FULL });
  expect(events.of('step:completed')).toEqual([]);
  expect((await queue.stats()).claimedSteps).toBe(8);
  leave(path, 100_000);
  for (const id of ids) expect(await queue.waitFor(id)).toBe(LARGE);
  expect(runs).toBe(8);
  await expect.poll(() => events.of('step:completed').length).toBe(8);
  expect(events.of('store:error')).toHaveLength(1);
  expect(events.of('store:recovered')).toHaveLength(1);
});

test('a pod that stops meanwhile loses no step: unsettled steps run again', async () => {
  const path = temporaryPath();
  const options = { store: sqlite({ path }), maxPrefetch: 0, drainTimeoutMs: 50 };
  const fast = { heartbeatIntervalMs: 30, deadAfterMs: 300, recoveryIntervalMs: 30 };
  let finish = (): void => {};
  const until = new Promise<void>((resolve) => (finish = resolve));
  const queue = newQueue({ ...options, ...fast }).register('work', async () => until.then(() => LARGE));
  const events = new RecordedEvents(queue);
  await queue.start();
  const ids = await queue.submitMany(Array.from({ length: 8 }, () => ({ type: 'work' as const })));
  await expect.poll(() => events.of('step:started').length).toBe(8);
  leave(path, 4);
  finish();
  await queue.stop();
  expect(events.of('step:completed')).toEqual([]);
  const next = newQueue({ ...options, ...fast }).register('work', () => 'again');
  await next.start();
  for (const id of ids) expect(await next.waitFor(id as never)).toBe('again');
});
