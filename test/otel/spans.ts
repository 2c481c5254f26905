/** An OpenTelemetry SDK that keeps its spans in memory, for one test. */
import { context, propagation, trace, type TextMapPropagator } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';
import { traceFleetQ, type TraceOptions } from 'fleet-q/otel';
import { onTestFinished } from 'vitest';

export interface Sdk {
  /** The spans that have ended, in that order. */
  spans(): ReadableSpan[];
  /** The ended spans of this name. */
  named(name: string): ReadableSpan[];
  /** Ends the tracing of the queue. */
  end(): void;
}

/** Registers an SDK as the global one and traces the queue, until the test ends. */
export function sdk(
  options: TraceOptions & { readonly global?: TextMapPropagator; readonly sampler?: Sampler } = {},
): Sdk {
  const { global, sampler, ...ours } = options;
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  });
  provider.register(global === undefined ? {} : { propagator: global });
  const end = traceFleetQ(ours);
  onTestFinished(async () => {
    end();
    for (const api of [trace, context, propagation]) api.disable();
    await provider.shutdown();
  });
  return {
    spans: () => exporter.getFinishedSpans(),
    named: (name) => exporter.getFinishedSpans().filter((span) => span.name === name),
    end,
  };
}

/** The only one. */
export function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length > 1) throw new Error(`expected one, got ${list.length}`);
  return first;
}

/** Which trace a span belongs to, and which spans it names. */
export const idsOf = (span: ReadableSpan) => ({
  trace: span.spanContext().traceId,
  span: span.spanContext().spanId,
  parent: span.parentSpanContext?.spanId,
  links: span.links.map((link) => link.context.spanId),
});
