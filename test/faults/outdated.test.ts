/** An old pod on a file that a newer version has migrated: it drains, and its steps run on other pods. */
import { expect, test } from 'vitest';
import { SCHEMA_VERSION } from '../../src/store/sqlite/schema/schema.js';
import { rawConnection } from '../store/sqlite/support/files.js';
import { BEAT, LOOKED, VirtualFleet } from './support/virtual-fleet.js';

/** Writes the version into the file as a migration does. */
function migrate(path: string, oldestAllowed: number): void {
  const newer = rawConnection(path);
  newer.prepare('UPDATE SCHEMA_INFO SET version = 99, oldest_allowed = ?').run(oldestAllowed);
}

test('drains at its next heartbeat, gives its claims back uncharged, leaves, and never claims again', async () => {
  const fleet = new VirtualFleet();
  const old = await fleet.add('old');
  await fleet.submit(...Array.from({ length: 20 }, () => ({ ms: 30_000 })));
  await fleet.pass(LOOKED);
  expect(old.runs).toHaveLength(8);
  migrate(fleet.path, SCHEMA_VERSION + 1);
  await fleet.pass(BEAT + 100);
  expect(old.events.of('pod:fenced')).toMatchObject([{ podId: 'old', reason: 'outdated', recoverable: false }]);
  expect(old.queue.health()).toMatchObject({ status: 'unhealthy', problems: ['the pod is fenced: outdated'] });
  await fleet.pass(60_000);
  expect(old.runs).toHaveLength(8);
  for (const id of fleet.stepIds) {
    expect(await fleet.client.queue.getStep(id)).toMatchObject({ status: 'pending', retryCount: 0, crashes: 0 });
  }
  expect((await fleet.client.queue.leader()).activePods).toBe(0);

  migrate(fleet.path, SCHEMA_VERSION); // as if this version were the newer one
  await fleet.add('new');
  await fleet.pass(120_000);
  await fleet.expectNothingLost();
});

test.each([true, false])(
  'takes the result of a handler that ends during the drain (deaf to its signal: %s)',
  async (deaf) => {
    const fleet = new VirtualFleet();
    const old = await fleet.add('old', { options: { abortGraceMs: 5_000 } });
    const [id] = await fleet.submit({ ms: BEAT + 500, deaf });
    await fleet.pass(LOOKED);
    migrate(fleet.path, SCHEMA_VERSION + 1);
    await fleet.pass(30_000);
    expect(old.events.of('pod:fenced')).toHaveLength(1);
    expect(fleet.runsOf(id)).toHaveLength(1);
    await fleet.expectNothingLost();
  },
);

test('refuses the writes of a client that never started, still reads, and writes again once it may', async () => {
  const fleet = new VirtualFleet();
  const { queue } = fleet.client;
  const id = await queue.submit({ type: 'work', args: { ms: 1 } });
  migrate(fleet.path, SCHEMA_VERSION + 1);
  const refusal = {
    name: 'StoreError',
    code: 'STORE_SCHEMA_NEWER',
    transient: false,
    message: expect.stringContaining(fleet.path) as string,
  };
  await expect(queue.submit({ type: 'work', args: { ms: 1 } })).rejects.toMatchObject(refusal);
  await expect(queue.cancel(id)).rejects.toMatchObject(refusal);
  expect(await queue.getStep(id)).toMatchObject({ status: 'pending', version: 0 });
  expect(await queue.stats()).toMatchObject({ pendingSteps: 1 });
  migrate(fleet.path, SCHEMA_VERSION);
  expect(await queue.cancel(id)).toBe('cancelled');
});

test('refuses to open again, as a pod and as a client, with STORE_SCHEMA_NEWER, and changes nothing', async () => {
  const fleet = new VirtualFleet();
  await fleet.submit({ ms: 1 });
  migrate(fleet.path, SCHEMA_VERSION + 1);
  await expect(fleet.add('late')).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER', transient: false });
  const submits = fleet.pods[0]?.queue.submit({ type: 'work', args: { ms: 1 } });
  await expect(submits).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER' });
  expect(rawConnection(fleet.path).prepare('SELECT count(*) FROM STEP_TRACKER').pluck().get()).toBe(1);
});
