/** The metrics of a queue: what is counted, when the store is asked, and whose series they are. */
import { execFileSync } from 'node:child_process';
import { Counter, Registry, type OpenMetricsContentType } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../../src/errors.js';
import type { PacingReport } from 'fleet-q';
import { createMetrics, type FleetMetrics, type MetricsOptions } from '../../src/prometheus.js';
import { METRIC_NAMES, METRICS } from '../../src/prometheus/metric-table.js';
import { validationErrorOf } from '../support/validation-error.js';
import { promtool } from '../support/promtool.js';
import { FakeQueue, STATS } from './support/fake-queue.js';
import { beginningWith, samplesOf } from './support/samples.js';

function metricsOf(queue: FakeQueue, options: MetricsOptions = {}): FleetMetrics {
  const metrics = createMetrics(queue.asQueue, options);
  onTestFinished(() => metrics.stop());
  return metrics;
}

const PACING: PacingReport = {
  ...{ path: 'direct', intervalMs: 0, idleIntervalMs: 1_000, activePods: 2, updateMs: 500, slotMs: 450 },
  ...{ ease: 1, throttled: null },
};
const step = { type: 'resize', stepId: 's', attempt: 1, podId: 'pod-1' };

describe('events', () => {
  test('count the steps by type and outcome, and how long they waited and ran', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    queue.emit('step:submitted', { ...step, receipt: 'created' });
    queue.emit('step:submitted', { ...step, receipt: 'duplicate' });
    queue.emit('step:started', { ...step, waitMs: 300 });
    queue.emit('step:completed', { ...step, durationMs: 2_000 });
    queue.emit('step:failed', { ...step, durationMs: 4_000 });
    queue.emit('step:cancelled', { ...step, by: 'caller' });
    queue.emit('step:retrying', { ...step, durationMs: 50 });
    queue.emit('step:released', { ...step, reason: 'stopping' });
    queue.emit('step:timedOut', step);
    queue.emit('step:lost', step);
    expect(await samplesOf(metrics)).toMatchObject({
      'fleetq_steps_submitted_total{type="resize",receipt="created"}': 1,
      'fleetq_steps_submitted_total{type="resize",receipt="duplicate"}': 1,
      'fleetq_steps_finished_total{type="resize",outcome="completed"}': 1,
      'fleetq_steps_finished_total{type="resize",outcome="failed"}': 1,
      'fleetq_steps_finished_total{type="resize",outcome="cancelled"}': 1,
      'fleetq_step_retries_total{type="resize"}': 1,
      'fleetq_step_releases_total{type="resize",reason="stopping"}': 1,
      'fleetq_step_timeouts_total{type="resize"}': 1,
      'fleetq_settlements_refused_total{type="resize"}': 1,
      'fleetq_step_wait_seconds_sum{type="resize"}': 0.3,
      'fleetq_step_wait_seconds_bucket{le="0.25",type="resize"}': 0,
      'fleetq_step_wait_seconds_bucket{le="0.5",type="resize"}': 1,
      'fleetq_step_run_seconds_sum{type="resize"}': 6.05,
      'fleetq_step_run_seconds_count{type="resize"}': 3,
    });
  });

  test('count what the pod does with the store, and each failure by its code', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    const error = new StoreError('STORE_BUSY', 'busy', true);
    queue.emit('exchange:completed', { durationMs: 10, claimed: 3, settled: 2, error: undefined });
    queue.emit('exchange:completed', { durationMs: 10, claimed: 0, settled: 0, error });
    queue.emit('heartbeat:completed', { durationMs: 5, error: undefined });
    queue.emit('heartbeat:completed', { durationMs: 5, error: new Error('with a message that nobody bounded') });
    queue.emit('store:error', { operation: 'exchange', error });
    queue.emit('store:error', { operation: 'journal', error });
    queue.emit('pod:fenced', { reason: 'silent' });
    queue.emit('pod:dead', { reason: 'exited' });
    queue.emit('leader:elected', {});
    const cycle = { dryRun: false, durationMs: 20, requeued: ['a', 'b'], failed: ['c'], error: undefined };
    queue.emit('recovery:completed', cycle);
    queue.emit('recovery:completed', { ...cycle, dryRun: true });
    expect(await samplesOf(metrics)).toMatchObject({
      'fleetq_exchanges_total{result="ok"}': 1,
      'fleetq_exchanges_total{result="error"}': 1,
      fleetq_exchange_seconds_count: 2,
      fleetq_exchange_claimed_total: 3,
      fleetq_exchange_settled_total: 2,
      'fleetq_heartbeats_total{result="ok"}': 1,
      'fleetq_heartbeats_total{result="error"}': 1,
      'fleetq_store_errors_total{operation="exchange",code="STORE_BUSY"}': 1,
      'fleetq_store_errors_total{operation="heartbeat",code="other"}': 1,
      'fleetq_store_errors_total{operation="journal",code="STORE_BUSY"}': 1,
      fleetq_store_outages_total: 2,
      'fleetq_pod_fenced_total{reason="silent"}': 1,
      'fleetq_pods_dead_total{reason="exited"}': 1,
      fleetq_leader_elected_total: 1,
      'fleetq_recovery_cycles_total{result="ok"}': 1,
      'fleetq_orphans_recovered_total{decision="requeued"}': 2,
      'fleetq_orphans_recovered_total{decision="failed"}': 1,
    });
  });

  test('a cancelled step is counted once, and an orphan of another pod has no run time', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    queue.emit('step:cancelled', { ...step, by: 'caller' });
    queue.emit('step:cancelled', { ...step, by: 'holder' });
    queue.emit('step:failed', { ...step, durationMs: 0, podId: 'dead-pod' });
    queue.emit('step:retrying', { ...step, durationMs: 0, podId: 'dead-pod' });
    const samples = await samplesOf(metrics);
    expect(samples['fleetq_steps_finished_total{type="resize",outcome="cancelled"}']).toBe(1);
    expect(samples['fleetq_steps_finished_total{type="resize",outcome="failed"}']).toBe(1);
    expect(samples['fleetq_step_run_seconds_count{type="resize"}']).toBeUndefined();
  });

  test('counters whose labels are known begin at zero, so that increase() sees the first event', async () => {
    const samples = await samplesOf(metricsOf(new FakeQueue()));
    expect(samples).toMatchObject({
      'fleetq_pod_fenced_total{reason="silent"}': 0,
      'fleetq_heartbeats_total{result="error"}': 0,
      'fleetq_orphans_recovered_total{decision="failed"}': 0,
      fleetq_store_outages_total: 0,
    });
  });

  test('the label type has at most maxTypes values; the steps of all other types are other', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue, { maxTypes: 2 });
    for (let i = 0; i < 100; i++) queue.emit('step:completed', { ...step, type: `type-${i}`, durationMs: 1 });
    const completed = Object.entries(await samplesOf(metrics)).filter(([name]) =>
      /^fleetq_steps_finished_total.*completed/.test(name),
    );
    expect(completed).toEqual([
      ['fleetq_steps_finished_total{type="type-0",outcome="completed"}', 1],
      ['fleetq_steps_finished_total{type="type-1",outcome="completed"}', 1],
      ['fleetq_steps_finished_total{type="other",outcome="completed"}', 98],
    ]);
  });
});

describe('gauges', () => {
  test('show the health of the pod as of the scrape', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    expect(await samplesOf(metrics)).toMatchObject({
      'fleetq_pod_info{pod_id="pod-1",version="1.2.3",store="sqlite"}': 1,
      ...{ fleetq_pod_healthy: 1, fleetq_pod_live: 1, fleetq_pod_ready: 1, fleetq_pod_started: 1 },
      ...{ fleetq_pod_paused: 0, fleetq_pod_leader: 1, fleetq_pod_running_handlers: 1, fleetq_pod_slots: 4 },
      ...{ fleetq_pod_strays: 0, fleetq_pod_uptime_seconds: 12 },
    });
    queue.reasons = ['fenced', 'outage'];
    const fenced = await samplesOf(metrics);
    expect(fenced['fleetq_pod_ready']).toBe(0);
    expect(beginningWith(fenced, 'fleetq_pod_problem')).toEqual({
      'fleetq_pod_problem{reason="fenced"}': 1,
      'fleetq_pod_problem{reason="outage"}': 1,
    });
    queue.reasons = [];
    expect(beginningWith(await samplesOf(metrics), 'fleetq_pod_problem')).toEqual({});
  });

  test('show whether the pod sleeps, without a question to the store', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    expect(await samplesOf(metrics)).toMatchObject({ fleetq_pod_asleep: 0 });
    const asked = queue.statsCalls;
    queue.asleep = true;
    expect(await samplesOf(metrics)).toMatchObject({
      fleetq_pod_asleep: 1,
      fleetq_pod_ready: 1,
      fleetq_pod_healthy: 1,
    });
    expect(queue.statsCalls).toBe(asked);
  });

  test('show how the store paces the pod, also if that began before the metrics, and never ask the store for it', async () => {
    const queue = new FakeQueue();
    queue.isLeader = false;
    queue.pacing = { ...PACING, path: 'log', intervalMs: 2_500, throttled: 'slots' };
    const metrics = metricsOf(queue);
    expect(await samplesOf(metrics)).toMatchObject({
      ...{ fleetq_pod_throttled: 1, fleetq_pod_exchange_interval_seconds: 2.5 },
      ...{ 'fleetq_pod_exchange_path{path="log"}': 1, 'fleetq_pod_exchange_path{path="direct"}': 0 },
    });
    queue.pacing = { ...PACING, path: 'direct', intervalMs: 0, throttled: null };
    expect(await samplesOf(metrics)).toMatchObject({
      ...{ fleetq_pod_throttled: 0, fleetq_pod_exchange_interval_seconds: 0 },
      ...{ 'fleetq_pod_exchange_path{path="log"}': 0, 'fleetq_pod_exchange_path{path="direct"}': 1 },
    });
    expect(queue.statsCalls).toBe(0);
  });

  test('show no pace on a store that does not pace its pods', async () => {
    const samples = await samplesOf(metricsOf(new FakeQueue()));
    expect(samples).toMatchObject({ fleetq_pod_throttled: 0, fleetq_pod_asleep: 0 });
    expect(beginningWith(samples, 'fleetq_pod_exchange')).toEqual({});
  });

  test('show the counts of the store', async () => {
    expect(await samplesOf(metricsOf(new FakeQueue()))).toMatchObject({
      'fleetq_queue_steps{type="resize",status="pending"}': 3,
      'fleetq_queue_steps{type="resize",status="completed"}': 5,
      ...{ fleetq_queue_due_steps: 2, fleetq_queue_oldest_due_seconds: 1.5, fleetq_fleet_pods: 2 },
      ...{ fleetq_fleet_running_handlers: 3, fleetq_fleet_slots: 8, fleetq_stats_age_seconds: expect.any(Number) },
    });
  });

  test('a series ends when its type is no longer in the store', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    queue.isLeader = false;
    await metrics.metrics();
    queue.isLeader = true;
    queue.answer = () => Promise.resolve({ ...STATS, stepsByType: {}, oldestDueMs: null });
    const samples = await samplesOf(metrics);
    expect(beginningWith(samples, 'fleetq_queue_steps')).toEqual({});
    expect(samples['fleetq_queue_oldest_due_seconds']).toBe(0);
  });

  test('steps of types beyond maxTypes are added up, those with the most pending steps keep their name', async () => {
    const queue = new FakeQueue();
    const counts = (pending: number) => ({ pending, claimed: 1, completed: 0, failed: 0, cancelled: 0 });
    const stepsByType = { few: counts(1), many: counts(9), some: counts(5), none: counts(0) };
    queue.answer = () => Promise.resolve({ ...STATS, stepsByType, unhandledTypes: ['few', 'many', 'some'] });
    const samples = await samplesOf(metricsOf(queue, { maxTypes: 1 }));
    expect(samples).toMatchObject({
      'fleetq_queue_steps{type="many",status="pending"}': 9,
      'fleetq_queue_steps{type="other",status="pending"}': 6,
      'fleetq_queue_steps{type="other",status="claimed"}': 3,
      'fleetq_queue_unhandled_steps{type="many"}': 9,
      'fleetq_queue_unhandled_steps{type="other"}': 6,
    });
  });
});

describe('the store is asked for counts', () => {
  test('by nobody but the leader, and a pod that no longer leads shows none', async () => {
    const queue = new FakeQueue();
    queue.isLeader = false;
    const metrics = metricsOf(queue);
    expect(beginningWith(await samplesOf(metrics), 'fleetq_queue')).toEqual({});
    expect(queue.statsCalls).toBe(0);
    queue.isLeader = true;
    expect(await samplesOf(metrics)).toHaveProperty('fleetq_queue_due_steps', 2);
    queue.isLeader = false;
    expect(beginningWith(await samplesOf(metrics), 'fleetq_fleet')).toEqual({});
  });

  test('once for all scrapes of an interval, and not at all if nobody scrapes', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    expect(queue.statsCalls).toBe(0);
    await Promise.all(Array.from({ length: 100 }, () => metrics.metrics()));
    for (let i = 0; i < 100; i++) await metrics.metrics();
    expect(queue.statsCalls).toBe(1);
  });

  test('also by a process that does not lead, with stats: always, and by nobody with never', async () => {
    const [always, never] = [new FakeQueue(), new FakeQueue()];
    always.isLeader = false;
    expect(await samplesOf(metricsOf(always, { stats: 'always' }))).toHaveProperty('fleetq_fleet_pods', 2);
    await metricsOf(never, { stats: 'never' }).metrics();
    expect(never.statsCalls).toBe(0);
  });

  test('and if it fails, the scrape answers with everything else, and the error is counted', async () => {
    const queue = new FakeQueue();
    queue.answer = () => Promise.reject(new StoreError('STORE_UNAVAILABLE', 'away', true));
    const metrics = metricsOf(queue);
    const samples = await samplesOf(metrics);
    expect(samples).toMatchObject({ fleetq_pod_ready: 1 });
    expect(beginningWith(samples, 'fleetq_queue')).toEqual({});
    const errors = 'fleetq_store_errors_total{operation="stats",code="STORE_UNAVAILABLE"}';
    expect(await samplesOf(metrics)).toHaveProperty([errors], 1);
  });
});

describe('the registry', () => {
  test('has the metrics of the table, each with its kind, help and labels, and no other', async () => {
    const { registry } = metricsOf(new FakeQueue());
    const metrics = await registry.getMetricsAsJSON();
    expect(metrics.map(({ name }) => name)).toEqual(METRIC_NAMES.map((name) => `fleetq_${name}`));
    for (const { name, help, type } of metrics) {
      const row = METRICS[name.replace('fleetq_', '') as keyof typeof METRICS];
      expect({ help, type: String(type) }).toEqual({ help: row.help, type: row.kind });
    }
  });

  test('is that of the host, if it is given', async () => {
    const registry = new Registry();
    new Counter({ name: 'own_total', help: 'x', registers: [registry] });
    const metrics = metricsOf(new FakeQueue(), { registry, prefix: 'jobs_' });
    expect(metrics.registry).toBe(registry);
    expect(await samplesOf(metrics)).toMatchObject({ own_total: 0, jobs_pod_ready: 1 });
    metrics.stop();
    expect(await samplesOf(metrics)).toEqual({ own_total: 0 });
  });

  test('two queues of a process share one with different labels, and each keeps its series', async () => {
    const registry = new Registry();
    const [orders, mails] = [new FakeQueue(), new FakeQueue()];
    const first = metricsOf(orders, { registry, labels: { queue: 'orders' } });
    const second = metricsOf(mails, { registry, labels: { queue: 'mails' } });
    mails.isLeader = false;
    orders.emit('step:completed', { ...step, durationMs: 1 });
    mails.emit('step:completed', { ...step, durationMs: 1 });
    const name = (queue: string) => `fleetq_steps_finished_total{queue="${queue}",type="resize",outcome="completed"}`;
    expect(await samplesOf(first)).toMatchObject({
      [name('orders')]: 1,
      [name('mails')]: 1,
      'fleetq_pod_leader{queue="orders"}': 1,
      'fleetq_pod_leader{queue="mails"}': 0,
    });
    first.stop();
    const left = await samplesOf(second);
    expect(left).toHaveProperty([name('mails')], 1);
    expect(Object.keys(left).filter((each) => each.includes('orders'))).toEqual([]);
    metricsOf(orders, { registry, labels: { queue: 'orders' } });
  });

  test('two queues with registries of their own do not meet', async () => {
    const [one, other] = [metricsOf(new FakeQueue()), metricsOf(new FakeQueue())];
    one.stop();
    expect(await samplesOf(one)).toEqual({});
    expect(await samplesOf(other)).toMatchObject({ fleetq_pod_ready: 1 });
  });

  test('may have the content type of OpenMetrics', async () => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const metrics = metricsOf(new FakeQueue(), { registry });
    expect(metrics.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    for (let i = 0; i < 2; i++) {
      const text = await metrics.metrics();
      expect(text).toMatch(/^fleetq_store_outages_total 0$/m);
      expect(text.endsWith('# EOF\n')).toBe(true);
    }
    metrics.stop();
    expect(await metrics.metrics()).toBe('\n# EOF\n');
  });

  test('has the metrics of the process on request, once however often it is asked', async () => {
    const registry = new Registry();
    metricsOf(new FakeQueue(), { registry, labels: { queue: 'a' }, processMetrics: true });
    const metrics = metricsOf(new FakeQueue(), { registry, labels: { queue: 'b' }, processMetrics: true });
    expect(await samplesOf(metrics)).toMatchObject({ process_start_time_seconds: expect.any(Number) });
    expect(await samplesOf(metricsOf(new FakeQueue()))).not.toHaveProperty('process_start_time_seconds');
  });

  test('stop() removes the listeners and the series; a second one does nothing', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    queue.emit('step:completed', { ...step, durationMs: 1 });
    await metrics.metrics();
    metrics.stop();
    metrics.stop();
    expect(queue.listeners).toBe(0);
    expect(await samplesOf(metrics)).toEqual({});
  });

  test('a count in flight that fails after stop() leaves nothing in a registry that others use', async () => {
    const registry = new Registry();
    const [orders, mails] = [new FakeQueue(), new FakeQueue()];
    let fail = (): void => undefined;
    orders.answer = () =>
      new Promise((_, reject) => (fail = () => reject(new StoreError('STORE_UNAVAILABLE', 'away', true))));
    const first = metricsOf(orders, { registry, labels: { queue: 'orders' } });
    const second = metricsOf(mails, { registry, labels: { queue: 'mails' } });
    const scrape = first.metrics();
    await expect.poll(() => orders.statsCalls).toBe(1);
    first.stop();
    fail();
    await scrape;
    const left = await samplesOf(second);
    expect(Object.keys(left).filter((each) => each.includes('orders'))).toEqual([]);
  });

  test.skipIf(promtool === undefined)('has names, units and helps that promtool finds no fault with', async () => {
    const queue = new FakeQueue();
    const metrics = metricsOf(queue);
    queue.emit('step:started', { ...step, waitMs: 1 });
    queue.emit('step:completed', { ...step, durationMs: 1 });
    expect(execFileSync(promtool ?? '', ['check', 'metrics'], { input: await metrics.metrics() }).toString()).toBe('');
  });
});

describe('a wrong option is refused, with its name and value', () => {
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ regsitry: 1 }, 'regsitry', /did you mean registry/],
    [{ registry: {} }, 'registry', /a Registry of prom-client/],
    [{ prefix: '9x' }, 'prefix', /"9x"/],
    [{ labels: ['a'] }, 'labels', /array of 1/],
    [{ labels: { 'a-b': 'x' } }, 'labels.a-b', /"a-b"/],
    [{ labels: { __name__: 'x' } }, 'labels.__name__', /label name/],
    [{ labels: { type: 'x' } }, 'labels.type', /already/],
    [{ labels: { queue: 1 } }, 'labels.queue', /expected a text, got 1/],
    [{ maxTypes: -1 }, 'maxTypes', /0 to 1000, got -1/],
    [{ stats: 'sometimes' }, 'stats', /"sometimes"/],
    [{ statsIntervalMs: 10 }, 'statsIntervalMs', /got 10/],
    [{ processMetrics: 'yes' }, 'processMetrics', /"yes"/],
  ];
  test.each(cases)('%o', (options, field, message) => {
    const error = validationErrorOf(() => createMetrics(new FakeQueue().asQueue, options));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', field, message: expect.stringMatching(message) });
  });

  test('what is no queue', () => {
    expect(validationErrorOf(() => createMetrics(42 as never))).toMatchObject({
      code: 'OPTION_INVALID',
      field: 'queue',
    });
    expect(validationErrorOf(() => createMetrics(new FakeQueue().asQueue, null as never))).toMatchObject({
      field: 'options',
    });
  });

  test('a registry that has such metrics already; nothing is registered then', async () => {
    const registry = new Registry();
    const own = new Counter({ name: 'fleetq_leader_elected_total', help: 'x', registers: [registry] });
    const refused = validationErrorOf(() => createMetrics(new FakeQueue().asQueue, { registry }));
    expect(refused).toMatchObject({ code: 'OPTION_INVALID', field: 'prefix' });
    expect(registry.getMetricsAsArray()).toEqual([own]);
  });

  test('the registry of another queue, without labels that tell them apart', () => {
    const registry = new Registry();
    const queue = new FakeQueue();
    metricsOf(queue, { registry });
    const again = (options: MetricsOptions) => validationErrorOf(() => createMetrics(new FakeQueue().asQueue, options));
    expect(again({ registry })).toMatchObject({ field: 'registry', message: expect.stringMatching(/labels/) });
    expect(again({ registry, labels: { queue: 'b' } })).toMatchObject({ field: 'labels' });
  });
});
