/** The metrics of a fleet in trouble: what real queues count of each failure, from the event to the sample. */
import { expect, test } from 'vitest';
import { createMetrics, type FleetMetrics } from '../../src/prometheus.js';
import { fleetInTrouble } from '../events/support/fleet-in-trouble.js';
import { beginningWith, samplesOf } from './support/samples.js';

test('an outage, a time-out and its stray, two fences, a dead pod, its orphans, and its late settlements are counted', async () => {
  const metrics: Record<string, FleetMetrics> = {};
  const { ada } = await fleetInTrouble(
    () => ({}),
    ({ podId, queue }) => {
      metrics[podId] = createMetrics(queue);
    },
  );
  const ofAda = await samplesOf(metrics['ada']!);
  const ofGrace = await samplesOf(metrics['grace']!);
  const failed = (name: 'exchange:completed' | 'heartbeat:completed'): number =>
    ada.events.of(name).filter(({ error }) => error !== undefined).length;
  expect(failed('exchange:completed')).toBeGreaterThan(0);
  expect(failed('heartbeat:completed')).toBeGreaterThan(0);
  expect(ofAda).toMatchObject({
    fleetq_store_outages_total: 1,
    'fleetq_exchanges_total{result="error"}': failed('exchange:completed'),
    'fleetq_heartbeats_total{result="error"}': failed('heartbeat:completed'),
    'fleetq_store_errors_total{operation="exchange",code="STORE_UNAVAILABLE"}': failed('exchange:completed'),
    'fleetq_store_errors_total{operation="heartbeat",code="STORE_UNAVAILABLE"}': failed('heartbeat:completed'),
    'fleetq_step_timeouts_total{type="hangs"}': 1,
    'fleetq_steps_finished_total{type="hangs",outcome="failed"}': 1,
    fleetq_pod_strays: 1,
    'fleetq_step_retries_total{type="fails"}': 1,
    'fleetq_steps_finished_total{type="fails",outcome="failed"}': 1,
    'fleetq_step_releases_total{type="gives-back",reason="handler"}': 1,
    'fleetq_steps_submitted_total{type="work",receipt="mismatch"}': 1,
    'fleetq_pod_fenced_total{reason="frozen"}': 1,
    'fleetq_pod_fenced_total{reason="evicted"}': 1,
    'fleetq_pod_fenced_total{reason="silent"}': 0,
    'fleetq_settlements_refused_total{type="work"}': 2,
    'fleetq_pods_dead_total{reason="silent"}': 0,
    ...{ fleetq_leader_elected_total: 1, fleetq_pod_leader: 0 },
    'fleetq_recovery_cycles_total{result="ok"}': 0,
  });
  expect(Object.keys(beginningWith(ofAda, 'fleetq_store_errors_total'))).toHaveLength(2);
  expect(ofGrace).toMatchObject({
    'fleetq_pods_dead_total{reason="silent"}': 1,
    'fleetq_recovery_cycles_total{result="ok"}': 1,
    'fleetq_recovery_cycles_total{result="error"}': 0,
    'fleetq_orphans_recovered_total{decision="requeued"}': 2,
    'fleetq_orphans_recovered_total{decision="failed"}': 0,
    'fleetq_step_releases_total{type="work",reason="orphaned"}': 2,
    'fleetq_steps_finished_total{type="work",outcome="completed"}': 2,
    ...{ fleetq_leader_elected_total: 1, fleetq_pod_leader: 1, fleetq_pod_strays: 0, fleetq_store_outages_total: 0 },
  });
  expect(beginningWith(ofGrace, 'fleetq_settlements_refused_total')).toEqual({});
});
