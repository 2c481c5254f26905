/** Other processes hold the file for longer than `busyTimeoutMs`: calls fail with a typed error, and pods pause. */
import type { Database } from 'better-sqlite3';
import { expect, test } from 'vitest';
import { rawConnection } from '../store/sqlite/support/files.js';
import { LOOKED, RECOVERED, VirtualFleet, type VirtualPod } from './support/virtual-fleet.js';

const BUSY_TIMEOUT_MS = 10_000;

function hold(fleet: VirtualFleet): Database {
  const other = rawConnection(fleet.path);
  other.exec('BEGIN IMMEDIATE');
  return other;
}

test('submit fails with STORE_BUSY after busyTimeoutMs, writes nothing, and succeeds afterwards', async () => {
  const fleet = new VirtualFleet();
  const { queue } = fleet.client;
  await queue.getStep('none').catch(() => undefined); // opens the file
  const other = hold(fleet);
  const step = { type: 'work', args: { ms: 1 }, idempotencyKey: 'once' } as const;
  const since = fleet.now;
  await expect(fleet.until(queue.submit(step))).rejects.toMatchObject({ code: 'STORE_BUSY', transient: true });
  expect(fleet.now - since).toBeGreaterThanOrEqual(BUSY_TIMEOUT_MS);
  other.exec('COMMIT');
  expect((await fleet.until(queue.submitWithReceipt(step))).receipt).toBe('created');
});

test('submitMany reports which steps are stored if others take the file between two commits', async () => {
  const fleet = new VirtualFleet();
  const { queue } = fleet.client;
  await queue.getStep('none').catch(() => undefined);
  const steps = Array.from({ length: 1_200 }, () => ({ type: 'work', args: { ms: 1 } }) as const);
  let other: Database | undefined;
  fleet.client.line.after('submit', () => void (other ??= hold(fleet)));
  const error: unknown = await fleet.until(queue.submitMany(steps).catch((thrown: unknown) => thrown));
  expect(error).toMatchObject({ code: 'SUBMIT_INCOMPLETE', cause: { code: 'STORE_BUSY' } });
  other?.exec('COMMIT');
  const { stepIds } = error as { stepIds: readonly string[] };
  expect(stepIds).toHaveLength(500);
  for (const id of stepIds) expect(await queue.getStep(id)).toMatchObject({ status: 'pending' });
});

test('start fails with STORE_BUSY, and may be called again', async () => {
  const fleet = new VirtualFleet();
  await fleet.submit({ ms: 10 });
  const other = hold(fleet);
  await expect(fleet.add('ada')).rejects.toMatchObject({ code: 'STORE_BUSY', transient: true });
  const [ada] = fleet.pods as [VirtualPod];
  expect(ada.queue.health().status).toBe('unhealthy');
  other.exec('COMMIT');
  await fleet.until(ada.queue.start());
  await fleet.pass(LOOKED);
  await fleet.expectNothingLost();
});

test.each([12_000, 60_000])(
  'while the file is held for %i ms, the pools keep their outcomes and no pod is evicted',
  async (forMs) => {
    const fleet = new VirtualFleet();
    for (const podId of ['ada', 'grace']) await fleet.add(podId);
    await fleet.submit(...Array.from({ length: 30 }, (_, i) => ({ ms: 1_500 + 50 * i })));
    await fleet.pass(LOOKED);
    const other = hold(fleet);
    await fleet.pass(forMs);
    for (const { queue } of fleet.pods) expect(queue.health().status).toBe('unhealthy');
    other.exec('COMMIT');
    await fleet.pass(RECOVERED);
    expect(fleet.emitted('pod:dead', 'pod:left', 'step:lost')).toEqual([]);
    for (const { queue } of fleet.pods) expect(queue.health().problems).toEqual([]);
    await fleet.expectNothingLost();
    // The handlers that had returned were not run again: their outcomes waited for the file.
    const early = fleet.stepIds.filter((_, i) => i < 8);
    for (const id of early) expect(fleet.runsOf(id)).toHaveLength(1);
  },
);
