/**
 * Makes a span of each submission, and stores its context with the steps.
 *
 * Invariants: one call is one span, also a call that submits many steps. The span that is active when the call is made is its
 * parent.
 */
import { context, SpanKind, trace, type Span } from '@opentelemetry/api';
import type { SubmitTrace } from '../index.js';
import { recordError, SUBMIT, spanName, submitAttributes } from './attributes.js';
import { boundedCarrier } from './bounded-carrier.js';
import type { Tracing } from './options.js';

export class SubmitSpans {
  readonly #tracing: Tracing;
  readonly #open = new Map<SubmitTrace, Span>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  readonly start = (submission: SubmitTrace): void => {
    const { tracer, inject } = this.#tracing;
    const options = { kind: SpanKind.PRODUCER, attributes: submitAttributes(submission) };
    const active = context.active();
    const span = tracer.startSpan(spanName(SUBMIT, submission.type), options, active);
    this.#open.set(submission, span);
    const written: Record<string, string> = {};
    inject(trace.setSpan(active, span), written);
    submission.carrier ??= boundedCarrier(written);
  };

  readonly error = (submission: SubmitTrace): void => {
    const span = this.#open.get(submission);
    if (span !== undefined) recordError(span, submission.error);
  };

  readonly asyncEnd = (submission: SubmitTrace): void => {
    const span = this.#open.get(submission);
    if (span === undefined) return;
    this.#open.delete(submission);
    const { result } = submission;
    if (result !== undefined && 'receipt' in result) span.setAttribute('fleetq.receipt', result.receipt);
    span.end();
  };

  /** Ends the spans that are open. */
  close(): void {
    for (const span of this.#open.values()) span.end();
    this.#open.clear();
  }
}
