/**
 * Makes what a propagator has written fit into a step.
 *
 * Invariants: the trace context comes first. If the baggage is too long, it is left out, and the trace is kept.
 */
import type { TraceCarrier } from '../index.js';

/** The bounds of a carrier, which the queue checks. */
const MAX_KEYS = 8;
const MAX_BYTES = 1_024;
const PRINTABLE = /^[\x20-\x7e]*$/;

const FIRST = ['traceparent', 'tracestate'];

/** @returns `undefined` if nothing is left */
export function boundedCarrier(written: Readonly<Record<string, unknown>>): TraceCarrier | undefined {
  const names = [...new Set([...FIRST, ...Object.keys(written)])];
  let carrier: TraceCarrier = {};
  for (const name of names) {
    const value = written[name];
    if (typeof value !== 'string' || !PRINTABLE.test(name) || !PRINTABLE.test(value)) continue;
    const grown = { ...carrier, [name]: value };
    if (Object.keys(grown).length <= MAX_KEYS && JSON.stringify(grown).length <= MAX_BYTES) carrier = grown;
  }
  return Object.keys(carrier).length === 0 ? undefined : carrier;
}
