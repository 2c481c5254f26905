/**
 * The series of one queue: the metrics of the table, in a registry of prom-client, with the queue's own labels.
 *
 * Invariants:
 * - Two queues share the metrics of a registry if their prefix and their label names are the same and their label values are
 *   not. Otherwise the second one is refused before anything is registered.
 * - Before a metric is read, the sources of every queue are asked to update their gauges.
 * - What is removed is what this queue has written. When the last queue of a registry is gone, so are its metrics.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import { show, ValidationError } from '../errors.js';
import {
  METRIC_NAMES,
  METRICS,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  type MetricRow,
} from './metric-table.js';
import type { AnyRegistry, ResolvedMetricsOptions } from './options.js';

type AnyMetric = Counter | Gauge | Histogram;
type Labels = Readonly<Record<string, string>>;

/** Brings gauges up to date before they are read. */
export type Refresh = () => Promise<void>;

/** The metrics of a registry under one prefix, and the queues that write them. */
interface Shared {
  readonly metrics: ReadonlyMap<MetricName, AnyMetric>;
  readonly labelNames: string;
  /** By the values of the labels. */
  readonly queues: Map<string, { readonly refresh: Refresh }>;
}

const sharedBy = new WeakMap<AnyRegistry, Map<string, Shared>>();

export class Series {
  readonly #shared: Shared;
  readonly #registry: AnyRegistry;
  readonly #prefix: string;
  readonly #labels: Labels;
  /** What was written, so that it can be removed: by metric, the label sets. */
  readonly #written = new Map<MetricName, Map<string, Labels>>();
  #refresh: Refresh = () => Promise.resolve();

  /** @throws ValidationError `OPTION_INVALID` if the registry has metrics of these names and labels already */
  constructor(registry: AnyRegistry, { prefix, labels }: Pick<ResolvedMetricsOptions, 'prefix' | 'labels'>) {
    this.#registry = registry;
    this.#prefix = prefix;
    this.#labels = labels;
    this.#shared = sharedMetrics(registry, prefix, Object.keys(labels));
    const values = valuesOf(labels);
    if (this.#shared.queues.has(values))
      throw new ValidationError(
        'OPTION_INVALID',
        'registry',
        `it has the metrics of another queue under the prefix ${show(prefix)} already; give each queue its own labels, ` +
          'such as { labels: { queue: "orders" } }, or its own registry',
      );
    this.#shared.queues.set(values, { refresh: () => this.#refresh() });
  }

  /** Called before the metrics are read. */
  onRead(refresh: Refresh): void {
    this.#refresh = refresh;
  }

  count<N extends CounterName>(name: N, labels: LabelsOf<N>, by = 1): void {
    const metric = this.#metric(name);
    if (metric instanceof Counter) metric.inc(this.#all(name, labels), by);
  }

  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, seconds: number): void {
    const metric = this.#metric(name);
    if (metric instanceof Histogram) metric.observe(this.#all(name, labels), seconds);
  }

  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void {
    const metric = this.#metric(name);
    if (metric instanceof Gauge) metric.set(this.#all(name, labels), value);
  }

  /** Removes what this queue has written of a metric. */
  clear(name: MetricName): void {
    const metric = this.#metric(name);
    for (const labels of this.#written.get(name)?.values() ?? []) metric.remove(labels);
    this.#written.delete(name);
  }

  /** Removes everything that this queue has written; the metrics too, if no other queue writes them. */
  remove(): void {
    const { queues, metrics } = this.#shared;
    queues.delete(valuesOf(this.#labels));
    for (const name of METRIC_NAMES) this.clear(name);
    if (queues.size > 0) return;
    for (const name of metrics.keys()) this.#registry.removeSingleMetric(this.#prefix + name);
    sharedBy.get(this.#registry)?.delete(this.#prefix);
  }

  #metric(name: MetricName): AnyMetric {
    const metric = this.#shared.metrics.get(name);
    if (metric === undefined) throw new Error(`there is no metric ${name}`);
    return metric;
  }

  #all(name: MetricName, own: Labels): Labels {
    const key = valuesOf(own);
    let written = this.#written.get(name);
    if (written === undefined) this.#written.set(name, (written = new Map<string, Labels>()));
    let labels = written.get(key);
    if (labels === undefined) written.set(key, (labels = { ...this.#labels, ...own }));
    return labels;
  }
}

function sharedMetrics(registry: AnyRegistry, prefix: string, labelNames: readonly string[]): Shared {
  const byPrefix = sharedBy.get(registry) ?? new Map<string, Shared>();
  sharedBy.set(registry, byPrefix);
  const names = labelNames.toSorted().join(',');
  const known = byPrefix.get(prefix);
  if (known !== undefined) {
    if (known.labelNames === names) return known;
    throw new ValidationError(
      'OPTION_INVALID',
      'labels',
      `another queue of this registry has the labels ${show(known.labelNames)}, this one has ${show(names)}: give both the same names`,
    );
  }
  const taken = METRIC_NAMES.find((name) => registry.getSingleMetric(prefix + name) !== undefined);
  if (taken !== undefined)
    throw new ValidationError(
      'OPTION_INVALID',
      'prefix',
      `the registry has another metric of the name ${show(prefix + taken)}; choose another prefix`,
    );
  const queues: Shared['queues'] = new Map();
  const refresh = async (): Promise<void> => {
    await Promise.all([...queues.values()].map((queue) => queue.refresh()));
  };
  const metrics = new Map(
    METRIC_NAMES.map((name) => [name, register(registry, prefix + name, METRICS[name], labelNames, refresh)]),
  );
  const shared = { metrics, labelNames: names, queues };
  byPrefix.set(prefix, shared);
  return shared;
}

function register(
  registry: AnyRegistry,
  name: string,
  row: MetricRow,
  extra: readonly string[],
  refresh: () => Promise<void>,
): AnyMetric {
  const common = { name, help: row.help, labelNames: [...extra, ...(row.labels ?? [])], registers: [registry] };
  if (row.kind === 'counter') return new Counter(common);
  if (row.kind === 'gauge') {
    const gauge = new Gauge({ ...common, collect: refresh });
    gauge.remove({}); // without labels it would begin with 0
    return gauge;
  }
  return new Histogram({ ...common, buckets: [...(row.buckets ?? [])] });
}

function valuesOf(labels: Labels): string {
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  if (names.length === 1) return labels[names[0] ?? ''] ?? '';
  return JSON.stringify(names.toSorted().map((name) => labels[name]));
}
