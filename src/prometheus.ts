/**
 * The metrics of a pod, for Prometheus.
 *
 * @module fleet-q/prometheus
 */
export { createMetrics, type FleetMetrics } from './prometheus/create-metrics.js';
export type { AnyRegistry, MetricsOptions } from './prometheus/options.js';
