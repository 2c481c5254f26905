/** Rows that are changed by SQL while pods work: no pod hangs, and nothing is lost without an event. */
import { expect, test } from 'vitest';
import { rawConnection } from '../store/sqlite/support/files.js';
import { BEAT, LOOKED, VirtualFleet } from './support/virtual-fleet.js';

test.each([
  ['completed', `UPDATE STEP_TRACKER SET status = 'completed'`, 'completed'],
  ['cancelled', `UPDATE STEP_TRACKER SET status = 'cancelled'`, 'cancelled'],
  ['deleted', 'DELETE FROM STEP_TRACKER', undefined],
])('a step that is %s while it runs is lost to its pod, which continues to work', async (_what, sql, status) => {
  const fleet = new VirtualFleet();
  const pod = await fleet.add('pod');
  const [id] = await fleet.submit({ ms: 1_000, deaf: true });
  await fleet.pass(LOOKED / 2);
  expect(pod.runs).toHaveLength(1);
  rawConnection(fleet.path).exec(sql);
  await fleet.pass(3 * BEAT);
  expect(pod.events.of('step:lost')).toHaveLength(1);
  if (status === undefined) await expect(pod.queue.getStep(id!)).rejects.toMatchObject({ code: 'STEP_NOT_FOUND' });
  else expect(await pod.queue.getStep(id!)).toMatchObject({ status });
  const next = await pod.queue.submit({ type: 'work', args: { ms: 1 } });
  await fleet.pass(3 * BEAT);
  expect(await pod.queue.getStep(next)).toMatchObject({ status: 'completed' });
});

test.each([2n ** 53n, 2n ** 63n - 1n])(
  'a version of %s neither stops a pod nor keeps a step claimed',
  async (version) => {
    const fleet = new VirtualFleet();
    const raw = (): unknown => rawConnection(fleet.path).prepare('UPDATE STEP_TRACKER SET version = ?').run(version);
    await fleet.submit({ ms: 1_000 }, { ms: 1_000 });
    raw(); // before they are claimed
    await fleet.add('pod');
    await fleet.pass(LOOKED / 2);
    raw(); // while they run
    await fleet.pass(20_000);
    await fleet.expectNothingLost();
    const id = await fleet.client.queue.submit({ type: 'work', args: { ms: 1 }, delayMs: 3_600_000 });
    raw();
    expect(await fleet.client.queue.cancel(id)).toBe('cancelled');
  },
);

test('reports a missing table in health, and continues when the table is back', async () => {
  const fleet = new VirtualFleet();
  const pod = await fleet.add('pod');
  await fleet.submit({ ms: 1_000 });
  await fleet.pass(LOOKED / 2);
  rawConnection(fleet.path).exec('ALTER TABLE STEP_TRACKER RENAME TO away');
  await fleet.pass(3 * BEAT);
  expect(pod.events.of('store:error')).toMatchObject([{ error: { code: 'STORE_ALTERED' } }]);
  expect(pod.queue.health().problems.join()).toContain('STEP_TRACKER');
  await expect(pod.queue.submit({ type: 'work', args: { ms: 1 } })).rejects.toMatchObject({ code: 'STORE_ALTERED' });
  rawConnection(fleet.path).exec('ALTER TABLE away RENAME TO STEP_TRACKER');
  await fleet.submit({ ms: 10 });
  await fleet.pass(30_000);
  expect(pod.queue.health()).toMatchObject({ status: 'healthy', problems: [] });
  await fleet.expectNothingLost();
});
