/** Several queues on one file: which one leads, and what reports and events say. */
import { expect, test } from 'vitest';
import { FleetQ, stopOnSignals, VERSION } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import packageJson from '../../package.json' with { type: 'json' };
import { newQueue, nextEvent, QUICK, stopped, temporaryPath } from '../support/queues.js';

const FAST = { heartbeatIntervalMs: 30, deadAfterMs: 5_000, recoveryIntervalMs: 30 };

test('the oldest pod leads, the next takes over when it leaves, and the reports agree', async () => {
  const store = sqlite({ path: temporaryPath() });
  const [ada, grace] = ['ada', 'grace'].map((podId) => newQueue({ store, podId, ...FAST }).register('a', () => 1));
  if (ada === undefined || grace === undefined) throw new Error('two queues');
  const elected = nextEvent(ada, 'leader:elected');
  const joined = nextEvent(ada, 'pod:joined', ({ podId }: { podId: string }) => podId === 'grace');
  await ada.start();
  await grace.start();
  expect(await elected).toMatchObject({ podId: 'ada' });
  await joined;
  const client = stopped(new FleetQ({ store, ...QUICK }));
  for (const queue of [ada, grace, client]) {
    await expect.poll(async () => (await queue.leader()).eligiblePods).toEqual(['ada', 'grace']);
    expect(await queue.leader()).toMatchObject({ currentLeader: 'ada', activePods: 2 });
  }
  expect(ada.health()).toMatchObject({
    podId: 'ada',
    status: 'healthy',
    isLeader: true,
    currentCapacity: 0,
    maxCapacity: 8,
    problems: [],
  });
  expect(grace.health().isLeader).toBe(false);
  expect(await client.stats()).toMatchObject({
    activePods: 2,
    currentLeader: 'ada',
    podCapacity: { ada: { current: 0, max: 8 }, grace: { current: 0, max: 8 } },
  });

  const takesOver = nextEvent(grace, 'leader:elected');
  const left = nextEvent(grace, 'pod:left', ({ podId }: { podId: string }) => podId === 'ada');
  await ada.stop();
  await takesOver;
  await left;
  expect(await client.leader()).toMatchObject({ currentLeader: 'grace', activePods: 1 });
});

test('runRecovery runs only on the leader unless forced, and a dry run writes nothing', async () => {
  const store = sqlite({ path: temporaryPath() });
  const ada = newQueue({ store, podId: 'ada', ...FAST });
  const grace = newQueue({ store, podId: 'grace', ...FAST });
  await expect(ada.runRecovery()).rejects.toMatchObject({ code: 'NOT_STARTED' });
  await ada.start();
  await grace.start();
  expect(await ada.runRecovery({ dryRun: true })).toMatchObject({
    dryRun: true,
    orphans: [],
    requeued: [],
    failed: [],
  });
  await expect(grace.runRecovery()).rejects.toMatchObject({ code: 'NOT_LEADER' });
  expect(await grace.runRecovery({ force: true })).toMatchObject({ deadPods: [] });
  expect(await ada.recoveryHistory()).toEqual([]);
});

test('a queue that was not started reports that it is not healthy, and why', () => {
  const queue = newQueue({ podId: 'ada', maxParallelism: 5 });
  expect(queue.health()).toMatchObject({
    podId: 'ada',
    status: 'unhealthy',
    maxCapacity: 4,
    version: VERSION,
    problems: ['the queue is not running'],
  });
});

test('stopOnSignals stops the queue, calls onStopped, and can be removed', async () => {
  const queue = newQueue();
  await queue.start();
  const before = process.listenerCount('SIGUSR2');
  const remove = stopOnSignals(queue, { signals: ['SIGUSR2'] });
  remove();
  expect(process.listenerCount('SIGUSR2')).toBe(before);
  const stopped = new Promise<string>((resolve) => stopOnSignals(queue, { signals: ['SIGUSR2'], onStopped: resolve }));
  process.kill(process.pid, 'SIGUSR2');
  expect(await stopped).toBe('SIGUSR2');
  expect(queue.health().status).toBe('unhealthy');
  expect(process.listenerCount('SIGUSR2')).toBe(before);
});

test('the version is that of the package', () => {
  expect(VERSION).toBe(packageJson.version);
});
