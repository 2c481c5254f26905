/** The options of `createMetrics`: checked and completed. */
import type { OpenMetricsContentType, Registry } from 'prom-client';
import { nearest, show, ValidationError } from '../errors.js';

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

type Check = (value: unknown, field: string) => void;

const CHECKS: Readonly<Record<keyof MetricsOptions, Check>> = {
  registry: expecting('a Registry of prom-client', isRegistry),
  prefix: expecting('a text of letters, digits, _ and :, that begins with none of the digits', (value) =>
    isText(value, /^[a-zA-Z_:][a-zA-Z0-9_:]*$/),
  ),
  labels: checkLabels,
  maxTypes: expecting('a whole number from 0 to 1000', (value) => isWhole(value, 0, 1_000)),
  stats: expecting('"leader", "always" or "never"', (value) => ['leader', 'always', 'never'].includes(value as string)),
  statsIntervalMs: expecting('milliseconds from 1000 to 3600000', (value) => isWhole(value, 1_000, 3_600_000)),
  processMetrics: expecting('true or false', (value) => typeof value === 'boolean'),
};

/** Names that labels of the metrics have already, or that Prometheus keeps for itself. */
const TAKEN_LABELS = [
  ...['type', 'status', 'outcome', 'receipt', 'reason', 'result', 'decision', 'operation', 'code'],
  ...['pod_id', 'version', 'store', 'le', 'quantile'],
];

/** @throws ValidationError `OPTION_INVALID` */
export function resolveMetricsOptions(options: MetricsOptions): ResolvedMetricsOptions {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'expected an object', options);
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, key)) {
      const near = nearest(key, Object.keys(CHECKS));
      const hint = near === undefined ? '' : `; did you mean ${show(near)}?`;
      throw new ValidationError('OPTION_INVALID', key, `createMetrics has no such option${hint}`);
    }
    if (value !== undefined) CHECKS[key as keyof MetricsOptions](value, key);
  }
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

function checkLabels(value: unknown, field: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(field, 'expected an object of label names and values', value);
  for (const [name, text] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    const at = `${field}.${name}`;
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__'))
      throw wrong(
        at,
        'expected a label name of letters, digits and _, which begins with no digit and not with __',
        name,
      );
    if (TAKEN_LABELS.includes(name)) throw wrong(at, 'expected a label name that no metric has already', name);
    if (typeof text !== 'string') throw wrong(at, 'expected a text', text);
  }
}

function isRegistry(value: unknown): boolean {
  const methods = ['registerMetric', 'getSingleMetric', 'removeSingleMetric', 'metrics'];
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function')
  );
}

function isText(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}

function isWhole(value: unknown, from: number, to: number): boolean {
  return Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
}

function expecting(what: string, accepts: (value: unknown) => boolean): Check {
  return (value, field) => {
    if (!accepts(value)) throw wrong(field, `expected ${what}`, value);
  };
}

function wrong(field: string, problem: string, value: unknown): ValidationError {
  return new ValidationError('OPTION_INVALID', field, `${problem}, got ${show(value)}`);
}
