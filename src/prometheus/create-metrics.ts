/**
 * Makes the metrics of a queue: event counters, and gauges that are set when the metrics are read.
 *
 * Invariants:
 * - Reading the metrics never fails and never waits for the store for more than a moment.
 * - It uses the public methods of the queue alone, and changes nothing.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { show, ValidationError } from '../errors.js';
import type { AnyFleetQ } from '../index.js';
import { errorCodeOf } from './error-code.js';
import { listen } from './event-metrics.js';
import { setCounts, setHealth } from './gauges.js';
import { hasMethods, resolveMetricsOptions, type AnyRegistry, type MetricsOptions } from './options.js';
import { Series } from './series.js';
import { StatsSource } from './stats-source.js';
import { TypeLabels } from './type-labels.js';

/** The metrics of a queue. */
export interface FleetMetrics {
  /** The registry that has the metrics: the one that was given, or a new one. */
  readonly registry: AnyRegistry;
  /** The `Content-Type` of what `metrics` returns. */
  readonly contentType: string;
  /** The metrics of the registry in the text format of Prometheus, or in that of OpenMetrics. */
  metrics(): Promise<string>;
  /** Removes the listeners and the series of this queue. Idempotent. */
  stop(): void;
}

/**
 * Counts what the queue does, for Prometheus. Call it before `start`, so that no event is missed, and serve `metrics()`:
 * `serve` of `fleet-q/http` does it at `/metrics` if the result is its option `metrics`.
 *
 * @example
 * const metrics = createMetrics(queue);
 * await serve(queue, { metrics });
 * @throws ValidationError `OPTION_INVALID`
 */
export function createMetrics(queue: AnyFleetQ, options: MetricsOptions = {}): FleetMetrics {
  checkQueue(queue);
  const resolved = resolveMetricsOptions(options);
  const registry: AnyRegistry = resolved.registry ?? new Registry();
  const series = new Series(registry, resolved);
  const types = new TypeLabels(resolved.maxTypes);
  const { stats, statsIntervalMs } = resolved;
  let stopped = false;
  const source = new StatsSource({
    stats: (maxAgeMs) => queue.stats({ maxAgeMs }),
    mayCount: () => {
      const { isLeader, asleep } = queue.health();
      return !asleep && (stats === 'always' || (stats === 'leader' && isLeader));
    },
    intervalMs: statsIntervalMs,
    onError: (error) => {
      if (!stopped) series.count('store_errors_total', { operation: 'stats', code: errorCodeOf(error) });
    },
  });
  const stopListening = listen(queue, series, types);
  series.onRead(
    sharedUpdate(async () => {
      const counts = await source.read();
      if (stopped) return;
      setHealth(series, queue.health(), queue.storeName);
      setCounts(series, counts, types);
    }),
  );
  if (resolved.processMetrics) addProcessMetrics(registry);
  return {
    registry,
    get contentType() {
      return registry.contentType;
    },
    metrics: () => registry.metrics(),
    stop: () => {
      if (stopped) return;
      stopped = true;
      stopListening();
      series.remove();
    },
  };
}

/** Several gauges are read at once: they share one update. */
function sharedUpdate(update: () => Promise<void>): () => Promise<void> {
  let updating: Promise<void> | undefined;
  return () =>
    (updating ??= update().finally(() => {
      updating = undefined;
    }));
}

function checkQueue(queue: unknown): void {
  if (hasMethods(queue, ['on', 'onBrief', 'health', 'stats'])) return;
  throw new ValidationError('OPTION_INVALID', 'queue', `expected a FleetQ, got ${show(queue)}`);
}

/** The process has one set of them, even if another library has registered it. */
function addProcessMetrics(registry: AnyRegistry): void {
  if (registry.getSingleMetric('process_cpu_user_seconds_total') !== undefined) return;
  collectDefaultMetrics({ register: registry as Registry });
}
