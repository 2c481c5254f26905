/**
 * Makes a span of each run, linked to the submission of its step, and runs the handler in it.
 *
 * Invariants:
 * - The span lasts as long as the handler runs. It is ended when the store has confirmed the outcome, so that it has the
 *   outcome, with the time at which the handler returned.
 * - The context of the handler has what the step carries, baggage too. It never has the span in which the queue was started.
 */
import { context, isSpanContextValid, SpanKind, trace, type Context, type Span } from '@opentelemetry/api';
import type { RunTrace } from '../index.js';
import { failWith, outcomeAttributes, recordError, RUN, runAttributes, spanName } from './attributes.js';
import type { Tracing } from './options.js';

interface OpenSpan {
  readonly span: Span;
  /** Epoch ms. */
  readonly startedAt: number;
}

export class RunSpans {
  readonly #tracing: Tracing;
  readonly #open = new Map<RunTrace, OpenSpan>();

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  readonly start = (run: RunTrace): void => {
    const { extract } = this.#tracing;
    const outside = trace.deleteSpan(context.active());
    const carried = run.carrier === undefined ? outside : extract(outside, run.carrier);
    const startedAt = Date.now();
    const span = this.#startSpan(run, carried, startedAt);
    this.#open.set(run, { span, startedAt });
    const inside = trace.setSpan(carried, span);
    run.runInside((call) => context.with(inside, call));
  };

  readonly error = (run: RunTrace): void => {
    const open = this.#open.get(run);
    if (open !== undefined) recordError(open.span, run.error);
  };

  readonly asyncEnd = (run: RunTrace): void => {
    const open = this.#open.get(run);
    if (open === undefined) return;
    this.#open.delete(run);
    const { span, startedAt } = open;
    span.setAttributes(outcomeAttributes(run));
    if (run.outcome === 'lost') failWith(span, 'lost', 'the claim was no longer held, so the outcome was discarded');
    span.end(startedAt + (run.durationMs ?? 0));
  };

  /** Ends the spans that are open. */
  close(): void {
    for (const { span } of this.#open.values()) span.end();
    this.#open.clear();
  }

  #startSpan(run: RunTrace, carried: Context, startTime: number): Span {
    const { tracer, relation } = this.#tracing;
    const submission = trace.getSpanContext(carried);
    const isLinked = submission !== undefined && isSpanContextValid(submission);
    const options = {
      kind: SpanKind.CONSUMER,
      attributes: runAttributes(run),
      links: isLinked ? [{ context: submission }] : [],
      startTime,
    };
    const parent = relation === 'parent' ? carried : trace.deleteSpan(carried);
    return tracer.startSpan(spanName(RUN, run.type), options, parent);
  }
}
