/**
 * Subscribes OpenTelemetry to the tracing channels of the queue.
 *
 * Invariants:
 * - It uses the documented channels and nothing else of the queue.
 * - An error of a tracer is reported to the diagnostics of OpenTelemetry, and affects neither submission nor run.
 */
import { tracingChannel, type TracingChannelSubscribers } from 'node:diagnostics_channel';
import { diag } from '@opentelemetry/api';
import type { RunTrace, SubmitTrace } from '../index.js';
import { tracingOf, type TraceOptions } from './options.js';
import { RunSpans } from './run-spans.js';
import { SubmitSpans } from './submit-spans.js';

/** The provider of each subscription that is in force. */
const inForce = new Set<TraceOptions['tracerProvider']>();

/**
 * Makes spans of all queues of this process, from now on. Call it once, before or after the OpenTelemetry SDK starts. A second
 * call for the same provider changes nothing: two would make two spans of everything.
 *
 * @returns a function that ends it, and the spans that are open
 * @throws ValidationError `OPTION_INVALID`
 */
export function traceFleetQ(options: TraceOptions = {}): () => void {
  const tracing = tracingOf(options);
  const { tracerProvider } = options;
  if (inForce.has(tracerProvider)) {
    diag.warn('fleet-q/otel: traceFleetQ() was called again; the first call remains in force');
    return () => undefined;
  }
  inForce.add(tracerProvider);
  const ends = [
    subscribe<SubmitTrace>('fleet-q:submit', new SubmitSpans(tracing)),
    subscribe<RunTrace>('fleet-q:run', new RunSpans(tracing)),
  ];
  return () => {
    inForce.delete(tracerProvider);
    for (const end of ends.splice(0)) end();
  };
}

/** What makes the spans of one channel. */
interface Spans<T> {
  readonly start: (trace: T) => void;
  readonly error: (trace: T) => void;
  readonly asyncEnd: (trace: T) => void;
  close(): void;
}

function subscribe<T extends object>(name: string, spans: Spans<T>): () => void {
  const guarded = (call: (trace: T) => void) => (message: unknown) => {
    try {
      call(message as T);
    } catch (error) {
      diag.error(`fleet-q/otel: a span of ${name} could not be recorded`, error);
    }
  };
  const ignore = (): void => undefined;
  const subscribers: TracingChannelSubscribers<T> = {
    start: guarded(spans.start),
    end: ignore,
    asyncStart: ignore,
    asyncEnd: guarded(spans.asyncEnd),
    error: guarded(spans.error),
  };
  const channel = tracingChannel<unknown, T>(name);
  channel.subscribe(subscribers);
  return () => {
    channel.unsubscribe(subscribers);
    spans.close();
  };
}
