/** Waits on a real file: their number costs nothing, and every one ends. */
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { faultySqlite, newQueue, QUICK, stopped, temporaryPath, type FaultyFactory } from '../support/queues.js';

const MANY = 2_000;
const LATER = 3_600_000;

interface Waits {
  readonly queue: AnyFleetQ;
  readonly store: FaultyFactory;
  readonly stepIds: readonly string[];
  readonly waits: readonly Promise<unknown>[];
}

/** A queue with many waits for steps that are due in an hour. */
async function manyWaits(path: string): Promise<Waits> {
  const store = faultySqlite(undefined, path);
  const queue: AnyFleetQ = stopped(new FleetQ({ ...QUICK, store }));
  const stepIds = await queue.submitMany(Array.from({ length: MANY }, () => ({ type: 'later', delayMs: LATER })));
  const waits = stepIds.map((stepId) => queue.waitFor(stepId).catch((error: unknown) => error));
  await expect.poll(() => store.store.count('ended')).toBeGreaterThan(0);
  return { queue, store, stepIds, waits };
}

/** How many ids `find` was called with since the call `from`. */
const idsFound = ({ store }: Waits, from: number): number =>
  store.store.calls
    .slice(from)
    .filter(({ verb }) => verb === 'find')
    .reduce((sum, { args }) => sum + (args[0] as string[]).length, 0);

test('a poll queries for ended steps, not for every awaited step', async () => {
  const waits = await manyWaits(temporaryPath());
  await expect.poll(() => idsFound(waits, 0)).toBeGreaterThanOrEqual(MANY); // each once, when it is first awaited
  const from = waits.store.store.calls.length;
  const looks = 20;
  for (let i = 0; i < looks; i++) {
    expect(await waits.queue.cancel(waits.stepIds[i]!)).toBe('cancelled');
    await expect(waits.waits[i]).resolves.toMatchObject({ code: 'STEP_CANCELLED' });
  }
  // Two finds for each cancel, and at most one round over all that are left.
  expect(idsFound(waits, from)).toBeLessThanOrEqual(MANY + 10 * looks);
});

test('notices the one of many awaited steps that another process ends', async () => {
  const path = temporaryPath();
  const { stepIds, waits } = await manyWaits(path);
  const other = stopped(new FleetQ({ ...QUICK, store: sqlite({ path }) }));
  await other.cancel(stepIds[1_234]!);
  await expect(waits[1_234]).resolves.toMatchObject({ code: 'STEP_CANCELLED' });
});

test('notices those of many awaited steps that plain SQL ends or deletes', { timeout: 30_000 }, async () => {
  const path = temporaryPath();
  const { stepIds, waits } = await manyWaits(path);
  const database = new Sqlite(path, { timeout: 5_000 });
  database.prepare(`UPDATE STEP_TRACKER SET status = 'completed', result = '7' WHERE step_id = ?`).run(stepIds[1_000]);
  database.prepare('DELETE FROM STEP_TRACKER WHERE step_id = ?').run(stepIds[1_500]);
  database.close();
  await expect(waits[1_000]).resolves.toBe(7);
  await expect(waits[1_500]).resolves.toMatchObject({ code: 'STEP_NOT_FOUND' });
});

test('notices ended steps beside a row that plain SQL ended in the future', async () => {
  const path = temporaryPath();
  const { stepIds, waits, store } = await manyWaits(path);
  const database = new Sqlite(path, { timeout: 5_000 });
  database
    .prepare(`UPDATE STEP_TRACKER SET status = 'completed', last_update_ts = ? WHERE step_id = ?`)
    .run(Date.now() * 1_000, stepIds[0]);
  database.close();
  await expect(waits[0]).resolves.toBeUndefined();
  const reply = await store.store.ended({ awaited: new Set(stepIds), since: null });
  const other = stopped(new FleetQ({ ...QUICK, store: sqlite({ path }) }));
  await other.cancel(stepIds[1_234]!);
  const { steps } = await store.store.ended({ awaited: new Set(stepIds), since: reply.cursor });
  expect(steps.map(({ stepId }) => stepId)).toContain(stepIds[1_234]);
});

test('an error that plain SQL wrote affects only the waits of its own step', async () => {
  const path = temporaryPath();
  const { queue, stepIds, waits } = await manyWaits(path);
  const database = new Sqlite(path, { timeout: 5_000 });
  const end = database.prepare(`UPDATE STEP_TRACKER SET status = 'failed', error = ? WHERE step_id = ?`);
  end.run('{"name":"E","message":"m","cause":null,"errors":[null,7],"fields":3,"stack":{},"code":[]}', stepIds[3]);
  database.close();
  await expect(waits[3]).resolves.toMatchObject({ code: 'STEP_FAILED', cause: { name: 'E', message: 'm' } });
  expect((await queue.getStep(stepIds[3]!)).error).toEqual({ name: 'E', message: 'm', errors: [] });
  await queue.cancel(stepIds[4]!);
  await expect(waits[4]).resolves.toMatchObject({ code: 'STEP_CANCELLED' });
});

test('stop rejects every wait', async () => {
  const { queue, waits } = await manyWaits(temporaryPath());
  await queue.stop();
  const codes = (await Promise.all(waits)).map((error) => (error as { code?: unknown }).code);
  expect(new Set(codes)).toEqual(new Set(['STOPPED']));
});

test('a poll that fails misses no ended step', async () => {
  const waits = await manyWaits(temporaryPath());
  const { store } = waits.store;
  let left = 3;
  store.plan = ({ verb }) => (verb === 'ended' && left-- > 0 ? { fails: 'after' } : undefined);
  await waits.queue.cancel(waits.stepIds[77]!);
  await expect(waits.waits[77]).resolves.toMatchObject({ code: 'STEP_CANCELLED' });
});

test('a cancel reaches the holder in another process through its watch, long before a heartbeat', async () => {
  const path = temporaryPath();
  const slow = { heartbeatIntervalMs: 60_000, deadAfterMs: 600_000, idleIntervalMs: 60_000, claimIntervalMs: 60_000 };
  let reason: unknown;
  const holder = newQueue({ ...slow, store: sqlite({ path }) }).register(
    'long',
    (_: undefined, { signal }) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(reason);
        });
      }),
  );
  const cancelled: unknown[] = [];
  holder.on('step:cancelled', (event) => cancelled.push(event));
  await holder.start();
  const caller: AnyFleetQ = stopped(new FleetQ({ ...QUICK, store: sqlite({ path }) }));
  const stepId = await caller.submit({ type: 'long' });
  await expect.poll(async () => (await caller.getStep(stepId)).status).toBe('claimed');
  expect(await caller.cancel(stepId)).toBe('cancelled');
  await expect
    .poll(() => cancelled)
    .toEqual([{ stepId, type: 'long', by: 'holder', latencyMs: expect.any(Number) as number }]);
  expect(reason).toMatchObject({ code: 'STEP_CANCELLED' });
});
