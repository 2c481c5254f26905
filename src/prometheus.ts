/**
 * The metrics of a pod, for Prometheus.
 *
 * @module fleet-q/prometheus
 */
export {};
