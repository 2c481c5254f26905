/** A pod whose file is deleted or replaced under it. */
import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BEAT, VirtualFleet } from './support/virtual-fleet.js';

const FILES = ['', '-wal', '-shm'];

test('fails with STORE_FILE_REPLACED, reports it once and in health, and continues when the file is back', async () => {
  const fleet = new VirtualFleet();
  const pod = await fleet.add('pod');
  await fleet.submit({ ms: 10 });
  await fleet.pass(BEAT);
  for (const suffix of FILES) renameSync(fleet.path + suffix, `${fleet.path}.old${suffix}`);
  await expect
    .poll(async () => {
      await fleet.pass(BEAT);
      return pod.events.of('store:error').length;
    })
    .toBe(1);
  await fleet.pass(30_000);
  expect(pod.events.of('store:error')).toMatchObject([{ error: { code: 'STORE_FILE_REPLACED', transient: false } }]);
  const { status, problems } = pod.queue.health();
  expect(status).toBe('unhealthy');
  expect(problems.join()).toContain('was deleted or moved away while it was open');
  await expect(pod.queue.submit({ type: 'work', args: { ms: 1 } })).rejects.toMatchObject({
    code: 'STORE_FILE_REPLACED',
  });

  for (const suffix of FILES) renameSync(`${fleet.path}.old${suffix}`, fleet.path + suffix);
  await expect
    .poll(async () => {
      await fleet.pass(BEAT);
      return pod.queue.health().status;
    })
    .toBe('healthy');
  await fleet.submit({ ms: 10 });
  await fleet.pass(BEAT);
  await fleet.expectNothingLost();
});
