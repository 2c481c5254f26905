/**
 * The options of `traceFleetQ`.
 *
 * Invariants: they are checked before anything is subscribed to.
 */
import { inspect } from 'node:util';
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  trace,
  type Context,
  type TextMapPropagator,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { ValidationError, VERSION } from '../index.js';

export interface TraceOptions {
  /** Makes the spans. Default: the global provider, also one that is set later. */
  readonly tracerProvider?: TracerProvider;
  /** Writes the trace context into the step and reads it from there. Default: the global propagator. */
  readonly propagator?: TextMapPropagator;
  /**
   * What a run is to its submission.
   *
   * - `link` (default, as OpenTelemetry's conventions for messaging ask): a run begins a trace of its own, linked to the
   *   submission. Each attempt is a trace, and its sampling is decided anew.
   * - `parent`: the submission is the parent, and linked as well. Everything that follows from a request is one trace, and
   *   the sampling of the request counts. Such traces can be large and last for days.
   */
  readonly relation?: 'link' | 'parent';
}

/** What the spans are made with. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly relation: 'link' | 'parent';
  /** Writes the trace context. */
  readonly inject: (from: Context, into: Record<string, string>) => void;
  /** Reads a trace context. */
  readonly extract: (base: Context, from: Readonly<Record<string, string>>) => Context;
}

const CHECKS: Readonly<
  Record<keyof TraceOptions, { readonly expected: string; readonly is: (value: unknown) => boolean }>
> = {
  tracerProvider: { expected: 'a TracerProvider', is: (value) => has(value, 'getTracer') },
  propagator: { expected: 'a TextMapPropagator', is: (value) => has(value, 'inject') && has(value, 'extract') },
  relation: { expected: "'link' or 'parent'", is: (value) => value === 'link' || value === 'parent' },
};

/** @throws ValidationError `OPTION_INVALID` */
export function tracingOf(options: TraceOptions): Tracing {
  check(options);
  const { tracerProvider, propagator, relation = 'link' } = options;
  return {
    tracer: (tracerProvider ?? trace).getTracer('fleet-q', VERSION),
    relation,
    inject: (from, into) =>
      propagator === undefined ? propagation.inject(from, into) : propagator.inject(from, into, defaultTextMapSetter),
    extract: (base, from) =>
      propagator === undefined ? propagation.extract(base, from) : propagator.extract(base, from, defaultTextMapGetter),
  };
}

function check(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw invalid('options', `expected an object, got ${show(options)}`);
  const known = Object.keys(CHECKS) as (keyof TraceOptions)[];
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(CHECKS, name));
  if (unknown !== undefined) throw invalid(unknown, `is unknown; the options are ${known.join(', ')}`);
  for (const name of known) {
    const value = (options as TraceOptions)[name];
    if (value !== undefined && !CHECKS[name].is(value))
      throw invalid(name, `expected ${CHECKS[name].expected}, got ${show(value)}`);
  }
}

const invalid = (field: string, problem: string): ValidationError =>
  new ValidationError('OPTION_INVALID', field, problem);

const show = (value: unknown): string => inspect(value, { depth: 0, maxStringLength: 80, breakLength: Infinity });

function has(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[method] === 'function'
  );
}
