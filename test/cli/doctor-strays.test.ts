/** `fleet-q doctor` shows handlers of other processes that ignore their signal. */
import { expect, onTestFinished, test } from 'vitest';
import { FleetQ, type Finding } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { QUICK, stopped, temporaryPath } from '../support/queues.js';
import { shell } from './support/shell.js';

test('doctor names the pods whose handlers ignore their signal', { timeout: 120_000 }, async () => {
  const path = temporaryPath();
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const pod = stopped(new FleetQ({ store: sqlite({ path }), ...QUICK, podId: 'worker-1', concurrency: 2 }))
    .register('late', () => ended, { timeoutMs: 50, maxRetries: 0 })
    .register('cancelled', () => ended);
  onTestFinished(() => end());
  await pod.start();
  const doctor = async () => {
    const { stdout, code } = await shell('fleet-q doctor --json', { FLEET_Q_SQLITE_PATH: path });
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    return { ...findings.find(({ check }) => check === 'strays'), code };
  };
  expect(await doctor()).toMatchObject({ level: 'ok', advice: null });

  await pod.submit({ type: 'late' });
  await expect.poll(doctor, { timeout: 60_000 }).toMatchObject({
    level: 'warning',
    message: 'Handlers run on after their claims were aborted: worker-1 (1 of 2 slots).',
  });
  const second = await pod.submit({ type: 'cancelled' });
  await expect.poll(async () => (await pod.getStep(second)).status, { timeout: 20_000 }).toBe('claimed');
  await pod.cancel(second);
  await expect.poll(doctor, { timeout: 60_000 }).toMatchObject({
    level: 'failure',
    message: 'Handlers run on after their claims were aborted: worker-1 (2 of 2 slots).',
    advice: expect.stringContaining('ctx.signal') as string,
    code: 1,
  });
});
