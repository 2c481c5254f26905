/**
 * Every metric: its name, kind, labels, help and buckets.
 *
 * Invariants:
 * - Units are base units: seconds, and counts. A counter ends in `_total`.
 * - Each label has a bounded number of values. `type` is bounded by the option `maxTypes`; all others are words of this library.
 * - `docs/observability.md` describes each metric. A test compares it with this table and with the registry.
 */

export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/** From a few milliseconds to a day: steps may run for milliseconds or for hours. */
const STEP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];
/** From one transaction on a local file to a statement that waits for a warehouse to resume. */
const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const METRICS = {
  // from the events of steps
  steps_submitted_total: {
    kind: 'counter',
    help: 'Steps that this process has submitted, by receipt: created, duplicate or mismatch.',
    labels: ['type', 'receipt'],
  },
  steps_finished_total: {
    kind: 'counter',
    help: 'Steps that have ended, by outcome: completed, failed or cancelled.',
    labels: ['type', 'outcome'],
  },
  step_wait_seconds: {
    kind: 'histogram',
    help: 'How long a step had been due when its handler was called.',
    labels: ['type'],
    buckets: STEP_SECONDS,
  },
  step_run_seconds: {
    kind: 'histogram',
    help: 'How long a handler ran, for each attempt that completed or failed.',
    labels: ['type'],
    buckets: STEP_SECONDS,
  },
  step_retries_total: { kind: 'counter', help: 'Attempts that failed and will be retried.', labels: ['type'] },
  step_timeouts_total: { kind: 'counter', help: 'Attempts that ran out of time.', labels: ['type'] },
  step_releases_total: {
    kind: 'counter',
    help: 'Claims that were given back without a charge, by reason.',
    labels: ['type', 'reason'],
  },
  settlements_refused_total: {
    kind: 'counter',
    help: 'Settlements that the store refused, because the claim was no longer held.',
    labels: ['type'],
  },

  // from the events of the pod and the fleet
  exchanges_total: {
    kind: 'counter',
    help: 'Exchanges with the store, by result: ok or error.',
    labels: ['result'],
  },
  exchange_seconds: { kind: 'histogram', help: 'How long an exchange with the store took.', buckets: CALL_SECONDS },
  exchange_claimed_total: { kind: 'counter', help: 'Steps that exchanges have claimed.' },
  exchange_settled_total: { kind: 'counter', help: 'Steps that exchanges have settled.' },
  heartbeats_total: {
    kind: 'counter',
    help: 'Heartbeats of this pod, by result: ok or error.',
    labels: ['result'],
  },
  heartbeat_seconds: { kind: 'histogram', help: 'How long the answer to a heartbeat took.', buckets: CALL_SECONDS },
  pod_fenced_total: { kind: 'counter', help: 'How often this pod was fenced, by reason.', labels: ['reason'] },
  pods_dead_total: {
    kind: 'counter',
    help: 'Pods that this pod has evicted as leader, by reason.',
    labels: ['reason'],
  },
  leader_elected_total: { kind: 'counter', help: 'How often this pod became the leader.' },
  recovery_cycles_total: {
    kind: 'counter',
    help: 'Recovery cycles of this pod that found something to do or failed, by result: ok or error.',
    labels: ['result'],
  },
  recovery_seconds: { kind: 'histogram', help: 'How long such a recovery cycle took.', buckets: CALL_SECONDS },
  orphans_recovered_total: {
    kind: 'counter',
    help: 'Orphaned steps that recovery has settled, by decision: requeued or failed.',
    labels: ['decision'],
  },
  store_errors_total: {
    kind: 'counter',
    help: 'Failed calls of the store and the journal, by operation and error code.',
    labels: ['operation', 'code'],
  },
  store_outages_total: { kind: 'counter', help: 'Outages of the store or the journal that have begun.' },

  // from health()
  pod_info: {
    kind: 'gauge',
    help: 'Always 1. The labels name the pod, its version and its kind of store.',
    labels: ['pod_id', 'version', 'store'],
  },
  pod_healthy: { kind: 'gauge', help: '1 if the pod has no problem.' },
  pod_live: { kind: 'gauge', help: '1 if the pod needs no restart.' },
  pod_ready: { kind: 'gauge', help: '1 if the pod works: it has started, and is neither fenced nor stopping.' },
  pod_started: { kind: 'gauge', help: '1 if start() has finished.' },
  pod_paused: { kind: 'gauge', help: '1 if the pod is paused.' },
  pod_asleep: { kind: 'gauge', help: '1 if the pod sleeps, because the fleet has nothing to do.' },
  pod_throttled: { kind: 'gauge', help: '1 if the store makes the pod exchange less often than it would.' },
  pod_exchange_path: {
    kind: 'gauge',
    help: '1 for the path that exchanges take: direct or log. Only on Snowflake.',
    labels: ['path'],
  },
  pod_exchange_interval_seconds: {
    kind: 'gauge',
    help: 'The interval between two exchanges that the store asks for; 0: none. Only on Snowflake.',
  },
  pod_leader: { kind: 'gauge', help: '1 if the pod leads the fleet.' },
  pod_problem: { kind: 'gauge', help: '1 for each reason why the pod is not live or not ready.', labels: ['reason'] },
  pod_running_handlers: { kind: 'gauge', help: 'Handlers that run on this pod now.' },
  pod_slots: { kind: 'gauge', help: 'How many handlers may run on this pod at a time.' },
  pod_strays: { kind: 'gauge', help: 'Handlers of this pod that still run after they were aborted.' },
  pod_uptime_seconds: { kind: 'gauge', help: 'Since start(); 0 if the queue does not run.' },

  // from stats()
  queue_steps: { kind: 'gauge', help: 'Steps in the store, by type and status.', labels: ['type', 'status'] },
  queue_due_steps: { kind: 'gauge', help: 'Pending steps that are due now.' },
  queue_oldest_due_seconds: { kind: 'gauge', help: 'How long the oldest due step has waited; 0 if none is due.' },
  queue_unhandled_steps: {
    kind: 'gauge',
    help: 'Pending steps of types that no pod handles, awake or asleep.',
    labels: ['type'],
  },
  fleet_pods: { kind: 'gauge', help: 'Live pods of the fleet.' },
  fleet_running_handlers: { kind: 'gauge', help: 'Handlers that run on the live pods, as of their last heartbeats.' },
  fleet_slots: { kind: 'gauge', help: 'Slots of the live pods, as of their last heartbeats.' },
  stats_age_seconds: { kind: 'gauge', help: 'How old the counts of the gauges above are.' },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof METRICS;
type NamesOf<K extends MetricRow['kind']> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never;
}[MetricName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;

/** The labels of a metric, each of which must have a value. */
export type LabelsOf<N extends MetricName> = Readonly<Record<LabelOf<(typeof METRICS)[N]>, string>>;
type LabelOf<R> = R extends { readonly labels: readonly (infer L extends string)[] } ? L : never;

export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];
