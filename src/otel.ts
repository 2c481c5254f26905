/**
 * OpenTelemetry spans for submissions and runs.
 *
 * @module fleet-q/otel
 */
export {};
