/** The metrics of real queues that work: steps that complete, are retried and fail, the calls of the store, and its counts. */
import { expect, test } from 'vitest';
import { FleetQ, RetryLaterError, VERSION } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { createMetrics } from '../../src/prometheus.js';
import { newQueue, QUICK, stopped, temporaryPath } from '../support/queues.js';
import { beginningWith, samplesOf } from './support/samples.js';

const FAST = { heartbeatIntervalMs: 30, deadAfterMs: 5_000, recoveryIntervalMs: 30 };

test('count what steps do, and the counts of the store, on the leader alone', async () => {
  const store = sqlite({ path: temporaryPath() });
  const [ada, grace] = ['ada', 'grace'].map((podId) =>
    newQueue({ store, podId, ...FAST })
      .register('works', (_args: object, { attempt }) => {
        if (attempt === 1) throw new RetryLaterError(1);
        return 'done';
      })
      .register('fails', () => Promise.reject(new Error('no')), { maxRetries: 0 }),
  );
  if (ada === undefined || grace === undefined) throw new Error('two queues');
  const metrics = createMetrics(ada);
  const others = createMetrics(grace, { labels: { queue: 'grace' } });
  grace.pause();
  await ada.start();
  await grace.start();
  await ada.waitFor(await ada.submit({ type: 'works', args: {} }));
  await expect(ada.waitFor(await ada.submit({ type: 'fails' } as never))).rejects.toMatchObject({
    code: 'STEP_FAILED',
  });
  await expect.poll(async () => (await samplesOf(metrics))['fleetq_fleet_pods'], { timeout: 20_000 }).toBeDefined();
  const samples = await samplesOf(metrics);
  expect(samples).toMatchObject({
    [`fleetq_pod_info{pod_id="ada",version="${VERSION}",store="sqlite"}`]: 1,
    'fleetq_steps_submitted_total{type="works",receipt="created"}': 1,
    'fleetq_steps_finished_total{type="works",outcome="completed"}': 1,
    'fleetq_steps_finished_total{type="fails",outcome="failed"}': 1,
    'fleetq_step_retries_total{type="works"}': 1,
    'fleetq_step_wait_seconds_count{type="works"}': 2,
    'fleetq_step_run_seconds_count{type="works"}': 2,
    'fleetq_exchanges_total{result="error"}': 0,
    fleetq_exchange_claimed_total: 3,
    fleetq_exchange_settled_total: 3,
    fleetq_pod_leader: 1,
    fleetq_leader_elected_total: 1,
  });
  expect(samples['fleetq_step_wait_seconds_sum{type="works"}']).toBeGreaterThan(0);
  expect(samples['fleetq_heartbeats_total{result="ok"}']).toBeGreaterThan(0);
  expect(samples['fleetq_heartbeat_seconds_sum']).toBeGreaterThan(0);
  const ofOther = await samplesOf(others);
  expect(ofOther).toMatchObject({ 'fleetq_pod_paused{queue="grace"}': 1, 'fleetq_pod_leader{queue="grace"}': 0 });
  expect(beginningWith(ofOther, 'fleetq_queue')).toEqual({});
});

test('of a queue that only submits, and after it has stopped', async () => {
  const client = stopped(
    new FleetQ<{ works: { args: object; result: string } }>({ store: sqlite({ path: temporaryPath() }), ...QUICK }),
  );
  const metrics = createMetrics(client, { stats: 'always' });
  await client.submit({ type: 'works', args: {} });
  expect(await samplesOf(metrics)).toMatchObject({
    'fleetq_steps_submitted_total{type="works",receipt="created"}': 1,
    'fleetq_queue_steps{type="works",status="pending"}': 1,
    ...{ fleetq_pod_started: 0, fleetq_pod_leader: 0, fleetq_queue_due_steps: 1 },
  });
  await client.stop();
  expect(await samplesOf(metrics)).toMatchObject({ fleetq_pod_ready: 0 });
});
