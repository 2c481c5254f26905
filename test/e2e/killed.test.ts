/**
 * Processes that are killed while they hold a step, with the default intervals. Peers on the same host can prove that such a
 * process has exited, so they need not wait for dead-after.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { FleetQ, type FleetQOptions } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { ended, startProgram } from '../support/child.js';
import { stopped, temporaryPath } from '../support/queues.js';

/** Less than the silence after which a pod with the default intervals is dead. */
const SOON = { timeout: 12_000 };

interface Steps {
  long: { args: undefined; result: unknown };
}

/** A pod in a process of its own that runs a step. */
async function holder(path: string, podId: string): Promise<{ process: ChildProcess; stepId: string }> {
  const process = startProgram('holder', [path, podId]);
  const client = stopped(new FleetQ<Steps>({ store: sqlite({ path }) }));
  const stepId = await client.submit({ type: 'long' });
  await once(process.stdout!, 'data');
  return { process, stepId };
}

const worker = (path: string, options: FleetQOptions & { steps?: undefined } = {}) =>
  stopped(new FleetQ({ store: sqlite({ path }), ...options }).register('long', () => 'done'));

describe.skipIf(process.platform !== 'linux')('a process that was killed', () => {
  test('runs what it held at once, if it is started again under the same podId', async () => {
    const path = temporaryPath();
    const { process, stepId } = await holder(path, 'web-1');
    process.kill('SIGKILL');
    await ended(process);
    const queue = worker(path, { podId: 'web-1' });
    const deaths: unknown[] = [];
    queue.on('pod:dead', ({ podId, reason, silentForMs }) => deaths.push([podId, reason, silentForMs < 15_000]));
    await queue.start();
    await expect.poll(() => queue.getStep(stepId), SOON).toMatchObject({ status: 'completed', crashes: 1 });
    expect(deaths).toEqual([['web-1', 'exited', true]]);
    expect(await queue.recoveryHistory()).toMatchObject([{ requeued: [stepId] }]);
  });

  test('is noticed by the leader, and by a peer that becomes the leader through this death', async () => {
    const path = temporaryPath();
    const oldest = await holder(path, 'oldest');
    const leaderToBe = worker(path, { podId: 'next' });
    leaderToBe.pause();
    await leaderToBe.start();
    const youngest = await holder(path, 'youngest');
    expect((await leaderToBe.leader()).currentLeader).toBe('oldest');
    const deaths: unknown[] = [];
    leaderToBe.on('pod:dead', ({ podId, reason }) => deaths.push([podId, reason]));
    leaderToBe.resume();
    oldest.process.kill('SIGKILL');
    await expect.poll(() => leaderToBe.getStep(oldest.stepId), SOON).toMatchObject({ status: 'completed' });
    expect(leaderToBe.health().isLeader).toBe(true);
    youngest.process.kill('SIGKILL');
    await expect.poll(() => leaderToBe.getStep(youngest.stepId), SOON).toMatchObject({ status: 'completed' });
    expect(deaths).toEqual([
      ['oldest', 'exited'],
      ['youngest', 'exited'],
    ]);
  });

  test('is not confused with a process that is only stopped', async () => {
    const path = temporaryPath();
    const { process, stepId } = await holder(path, 'stopped');
    process.kill('SIGSTOP');
    const queue = worker(path);
    await queue.start();
    expect(await queue.runRecovery({ force: true })).toMatchObject({ deadPods: [] });
    expect(await queue.getStep(stepId)).toMatchObject({ status: 'claimed', crashes: 0 });
  });
});
