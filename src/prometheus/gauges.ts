/**
 * Sets the gauges of a queue from `health()` and `stats()`.
 *
 * Invariants:
 * - `health()` reads memory: those gauges are as of the scrape.
 * - Gauges of the store's counts exist only while there are counts. So one pod of the fleet shows them: the leader.
 */
import type { Health, QueueStats } from '../index.js';
import type { GaugeName } from './metric-table.js';
import type { Series } from './series.js';
import type { Counts } from './stats-source.js';
import type { TypeLabels } from './type-labels.js';

const PATHS = ['direct', 'log'] as const;

export function setHealth(series: Series, health: Health, store: string): void {
  const { podId, version, reasons } = health;
  const is = (value: boolean): number => (value ? 1 : 0);
  series.set('pod_info', { pod_id: podId, version, store }, 1);
  series.set('pod_healthy', {}, is(health.status === 'healthy'));
  series.set('pod_live', {}, is(health.live));
  series.set('pod_ready', {}, is(health.ready));
  series.set('pod_started', {}, is(health.started));
  series.set('pod_paused', {}, is(health.paused));
  series.set('pod_asleep', {}, is(health.asleep));
  setPacing(series, health);
  series.set('pod_leader', {}, is(health.isLeader));
  series.clear('pod_problem');
  for (const reason of reasons) series.set('pod_problem', { reason }, 1);
  series.set('pod_running_handlers', {}, health.currentCapacity);
  series.set('pod_slots', {}, health.maxCapacity);
  series.set('pod_strays', {}, health.strays);
  series.set('pod_uptime_seconds', {}, health.uptimeSeconds);
}

function setPacing(series: Series, { store }: Health): void {
  series.set('pod_throttled', {}, (store?.throttled ?? null) === null ? 0 : 1);
  series.clear('pod_exchange_path');
  series.clear('pod_exchange_interval_seconds');
  if (store === undefined) return;
  for (const path of PATHS) series.set('pod_exchange_path', { path }, path === store.path ? 1 : 0);
  series.set('pod_exchange_interval_seconds', {}, store.intervalMs / 1_000);
}

const FROM_STATS: readonly GaugeName[] = [
  ...(['queue_steps', 'queue_due_steps', 'queue_oldest_due_seconds', 'queue_unhandled_steps'] as const),
  ...(['fleet_pods', 'fleet_running_handlers', 'fleet_slots', 'stats_age_seconds'] as const),
];

/** @param counts `undefined` if there are none: the series end */
export function setCounts(series: Series, counts: Counts | undefined, types: TypeLabels): void {
  for (const name of FROM_STATS) series.clear(name);
  if (counts === undefined) return;
  const { stats, ageMs } = counts;
  setSteps(series, stats, types);
  const capacities = Object.values(stats.podCapacity);
  series.set('queue_due_steps', {}, stats.dueSteps);
  series.set('queue_oldest_due_seconds', {}, (stats.oldestDueMs ?? 0) / 1_000);
  series.set('fleet_pods', {}, stats.activePods);
  series.set('fleet_running_handlers', {}, sum(capacities.map(({ current }) => current)));
  series.set('fleet_slots', {}, sum(capacities.map(({ max }) => max)));
  series.set('stats_age_seconds', {}, ageMs / 1_000);
}

function setSteps(series: Series, { stepsByType, unhandledTypes }: QueueStats, types: TypeLabels): void {
  const weights = Object.fromEntries(Object.entries(stepsByType).map(([type, counts]) => [type, counts.pending]));
  const labelOf = types.ofAll(weights);
  const totals = new Map<string, { type: string; status: string; value: number }>();
  for (const [given, counts] of Object.entries(stepsByType)) {
    const type = labelOf.get(given) ?? given;
    for (const [status, value] of Object.entries(counts)) {
      const key = JSON.stringify([type, status]);
      const total = totals.get(key);
      if (total === undefined) totals.set(key, { type, status, value });
      else total.value += value;
    }
  }
  for (const { type, status, value } of totals.values()) series.set('queue_steps', { type, status }, value);
  const unhandled = new Map<string, number>();
  for (const given of unhandledTypes) {
    const type = labelOf.get(given) ?? given;
    unhandled.set(type, (unhandled.get(type) ?? 0) + (stepsByType[given]?.pending ?? 0));
  }
  for (const [type, value] of unhandled) series.set('queue_unhandled_steps', { type }, value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
