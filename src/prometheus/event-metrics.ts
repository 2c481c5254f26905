/**
 * Counts the events of a queue.
 *
 * Invariants: a metric is written once for each event, and no payload is kept.
 */
import type { AnyFleetQ, PodDead, PodFenced } from '../index.js';
import { errorCodeOf } from './error-code.js';
import type { Series } from './series.js';
import type { TypeLabels } from './type-labels.js';

const OUTCOMES = ['completed', 'failed', 'cancelled'] as const;
const FENCES: readonly PodFenced['reason'][] = ['silent', 'evicted', 'superseded', 'frozen', 'outdated'];
const DEATHS: readonly PodDead['reason'][] = ['silent', 'exited'];

/** Begins to listen. @returns a function that removes the listeners */
export function listen(queue: AnyFleetQ, series: Series, types: TypeLabels): () => void {
  beginAtZero(series);
  const removers = [...listenToSteps(queue, series, types), ...listenToPod(queue, series)];
  return () => {
    for (const remove of removers) remove();
  };
}

function listenToSteps(queue: AnyFleetQ, series: Series, types: TypeLabels): (() => void)[] {
  const begun = new Set<string>();
  const finished = (given: string, outcome: (typeof OUTCOMES)[number]): void => {
    const type = types.of(given);
    if (!begun.has(type)) {
      begun.add(type);
      for (const each of OUTCOMES) series.count('steps_finished_total', { type, outcome: each }, 0);
    }
    series.count('steps_finished_total', { type, outcome });
  };
  const ran = (type: string, durationMs: number): void =>
    series.observe('step_run_seconds', { type: types.of(type) }, durationMs / 1_000);
  return [
    queue.onBrief('step:submitted', ({ type, receipt }) =>
      series.count('steps_submitted_total', { type: types.of(type), receipt }),
    ),
    queue.onBrief('step:started', ({ type, waitMs }) =>
      series.observe('step_wait_seconds', { type: types.of(type) }, waitMs / 1_000),
    ),
    queue.onBrief('step:completed', ({ type, durationMs }) => {
      finished(type, 'completed');
      ran(type, durationMs);
    }),
    queue.onBrief('step:failed', ({ type, durationMs, podId }) => {
      finished(type, 'failed');
      if (podId === queue.podId) ran(type, durationMs); // the leader knows no duration of an orphan
    }),
    queue.onBrief('step:cancelled', ({ type, by }) => {
      if (by === 'caller') finished(type, 'cancelled'); // the holder reports the same step again
    }),
    queue.onBrief('step:retrying', ({ type, durationMs, podId }) => {
      series.count('step_retries_total', { type: types.of(type) });
      if (podId === queue.podId) ran(type, durationMs);
    }),
    queue.onBrief('step:released', ({ type, reason }) =>
      series.count('step_releases_total', { type: types.of(type), reason }),
    ),
    queue.onBrief('step:timedOut', ({ type }) => series.count('step_timeouts_total', { type: types.of(type) })),
    queue.onBrief('step:lost', ({ type }) => series.count('settlements_refused_total', { type: types.of(type) })),
  ];
}

function listenToPod(queue: AnyFleetQ, series: Series): (() => void)[] {
  const failed = (operation: string, error: unknown): void =>
    series.count('store_errors_total', { operation, code: errorCodeOf(error) });
  return [
    queue.onBrief('exchange:completed', ({ durationMs, claimed, settled, error }) => {
      series.count('exchanges_total', { result: resultOf(error) });
      series.observe('exchange_seconds', {}, durationMs / 1_000);
      series.count('exchange_claimed_total', {}, claimed);
      series.count('exchange_settled_total', {}, settled);
      if (error !== undefined) failed('exchange', error);
    }),
    queue.onBrief('heartbeat:completed', ({ durationMs, error }) => {
      series.count('heartbeats_total', { result: resultOf(error) });
      series.observe('heartbeat_seconds', {}, durationMs / 1_000);
      if (error !== undefined) failed('heartbeat', error);
    }),
    queue.onBrief('pod:fenced', ({ reason }) => series.count('pod_fenced_total', { reason })),
    queue.onBrief('pod:dead', ({ reason }) => series.count('pods_dead_total', { reason })),
    queue.onBrief('leader:elected', () => series.count('leader_elected_total', {})),
    queue.onBrief('recovery:completed', ({ dryRun, durationMs, requeued, failed: given, error }) => {
      if (dryRun) return;
      series.count('recovery_cycles_total', { result: resultOf(error) });
      series.observe('recovery_seconds', {}, durationMs / 1_000);
      series.count('orphans_recovered_total', { decision: 'requeued' }, requeued.length);
      series.count('orphans_recovered_total', { decision: 'failed' }, given.length);
    }),
    queue.onBrief('store:error', ({ operation, error }) => {
      series.count('store_outages_total', {});
      if (operation === 'journal') failed('journal', error); // the others report each of their failures
    }),
  ];
}

/**
 * A counter that begins with its first event is invisible to `increase()`, which needs two samples. So those whose labels are
 * known begin at zero.
 */
function beginAtZero(series: Series): void {
  for (const result of ['ok', 'error']) {
    series.count('exchanges_total', { result }, 0);
    series.count('heartbeats_total', { result }, 0);
    series.count('recovery_cycles_total', { result }, 0);
  }
  for (const reason of FENCES) series.count('pod_fenced_total', { reason }, 0);
  for (const reason of DEATHS) series.count('pods_dead_total', { reason }, 0);
  for (const decision of ['requeued', 'failed']) series.count('orphans_recovered_total', { decision }, 0);
  for (const name of ['exchange_claimed_total', 'exchange_settled_total'] as const) series.count(name, {}, 0);
  for (const name of ['leader_elected_total', 'store_outages_total'] as const) series.count(name, {}, 0);
}

function resultOf(error: unknown): 'ok' | 'error' {
  return error === undefined ? 'ok' : 'error';
}
