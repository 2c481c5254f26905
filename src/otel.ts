/**
 * `fleet-q/otel`: OpenTelemetry spans for submissions and runs. It needs the package `@opentelemetry/api`.
 *
 * A span of a submission is a child of the span that is active when `submit` is called. Its context is stored with the
 * step. The span of a run is linked to it, in whatever process and however much later it runs, and is active while the
 * handler runs. The queue itself needs no option for that.
 *
 * @example
 * import { NodeSDK } from '@opentelemetry/sdk-node';
 * import { traceFleetQ } from 'fleet-q/otel';
 *
 * new NodeSDK({ … }).start();
 * traceFleetQ();
 *
 * @module fleet-q/otel
 */
export { traceFleetQ } from './otel/trace-fleet-q.js';
export type { TraceOptions } from './otel/options.js';
