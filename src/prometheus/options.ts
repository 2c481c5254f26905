/** The options of `createMetrics`: checked and completed. */
import type { OpenMetricsContentType, Registry } from 'prom-client';
import type { ErrorCode } from '../errors.js';
import {
  boolean,
  checkFields,
  expecting,
  integer,
  oneOfWords,
  record,
  type FieldCheck,
  type FieldChecks,
} from '../input/field-checks.js';

/** A registry of prom-client, for either content type. */
export type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

/** The options of `createMetrics`. */
export interface MetricsOptions {
  /** Where the metrics are registered. Default: a new registry. */
  readonly registry?: AnyRegistry;
  /** What the names begin with. Default `fleetq_`. */
  readonly prefix?: string;
  /**
   * Labels of every metric. Two queues of one process can share a registry if they have the same label names with different
   * values. Default: none.
   */
  readonly labels?: Readonly<Record<string, string>>;
  /** How many step types get a `type` of their own; the steps of the others have the type `other`. 0 to 1,000, default 100. */
  readonly maxTypes?: number;
  /**
   * When `stats()` may be called. `leader`: if this pod leads, so that one pod of the fleet counts. `always`: also if it does
   * not, for a process that is no pod. `never`: there are no gauges of the store's counts. Default `leader`.
   */
  readonly stats?: 'leader' | 'always' | 'never';
  /**
   * How long counts are kept before a scrape counts again, in ms. If counting takes long, they are kept for 100 times as
   * long as it took, at most 5 min. 1,000 to 3,600,000, default 15,000.
   */
  readonly statsIntervalMs?: number;
  /** Whether the metrics of the Node.js process are registered too, under their usual names. Default false. */
  readonly processMetrics?: boolean;
}

export interface ResolvedMetricsOptions {
  readonly registry: AnyRegistry | undefined;
  readonly prefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly maxTypes: number;
  readonly stats: 'leader' | 'always' | 'never';
  readonly statsIntervalMs: number;
  readonly processMetrics: boolean;
}

const CHECKS: FieldChecks = {
  registry: expecting('a Registry of prom-client', (value) =>
    hasMethods(value, ['registerMetric', 'getSingleMetric', 'removeSingleMetric', 'metrics']),
  ),
  prefix: expecting(
    'a text of letters, digits, _ and :, that begins with none of the digits',
    (value) => typeof value === 'string' && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value),
  ),
  labels: checkLabels,
  maxTypes: integer(0, 1_000),
  stats: oneOfWords('leader', 'always', 'never'),
  statsIntervalMs: integer(1_000, 3_600_000),
  processMetrics: boolean,
} satisfies Readonly<Record<keyof MetricsOptions, FieldCheck>>;

/** Names that labels of the metrics have already, or that Prometheus keeps for itself. */
const TAKEN_LABELS = [
  ...['type', 'status', 'outcome', 'receipt', 'reason', 'result', 'decision', 'operation', 'code', 'path'],
  ...['pod_id', 'version', 'store', 'le', 'quantile'],
];

/** @throws ValidationError `OPTION_INVALID` */
export function resolveMetricsOptions(options: MetricsOptions): ResolvedMetricsOptions {
  record(options, 'options', 'OPTION_INVALID');
  checkFields(options, CHECKS, 'OPTION_INVALID', '');
  return {
    registry: options.registry,
    prefix: options.prefix ?? 'fleetq_',
    labels: { ...options.labels },
    maxTypes: options.maxTypes ?? 100,
    stats: options.stats ?? 'leader',
    statsIntervalMs: options.statsIntervalMs ?? 15_000,
    processMetrics: options.processMetrics ?? false,
  };
}

function checkLabels(value: unknown, field: string, code: ErrorCode): void {
  record(value, field, code);
  for (const [name, text] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    const at = `${field}.${name}`;
    labelName(name, at, code);
    freeName(name, at, code);
    labelValue(text, at, code);
  }
}

const labelName = expecting(
  'a label name of letters, digits and _, which begins with no digit and not with __',
  (name) => /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name as string),
);
const freeName = expecting('a label name that no metric has already', (name) => !TAKEN_LABELS.includes(name as string));
const labelValue = expecting('a text', (text) => typeof text === 'string');

/** Whether it is an object with these methods. */
export function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'function')
  );
}
