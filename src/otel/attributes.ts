/**
 * The attributes of the spans.
 *
 * Invariants: an attribute of OpenTelemetry's conventions for messaging has the name from there; all others begin with `fleetq.`.
 */
import { SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import type { RunTrace, SubmitTrace } from '../index.js';

/** The operations, by their names in this library and their types in the conventions. */
export const SUBMIT = { name: 'submit', type: 'send' } as const;
export const RUN = { name: 'run', type: 'process' } as const;

type Operation = typeof SUBMIT | typeof RUN;

/** `run resize` */
export function spanName(operation: Operation, stepType: string | undefined): string {
  return stepType === undefined ? operation.name : `${operation.name} ${stepType}`;
}

function messaging(operation: Operation, of: SubmitTrace | RunTrace): Attributes {
  return {
    'messaging.system': 'fleet-q',
    'messaging.operation.name': operation.name,
    'messaging.operation.type': operation.type,
    'messaging.client.id': of.podId,
    ...(of.type === undefined ? {} : { 'messaging.destination.name': of.type }),
    ...(of.stepId === undefined ? {} : { 'messaging.message.id': of.stepId }),
  };
}

export function submitAttributes(submission: SubmitTrace): Attributes {
  const count = submission.isBatch ? { 'messaging.batch.message_count': submission.count } : {};
  return { ...messaging(SUBMIT, submission), ...count };
}

export function runAttributes(run: RunTrace): Attributes {
  return {
    ...messaging(RUN, run),
    'fleetq.attempt': run.attempt,
    'fleetq.max_retries': run.maxRetries,
    'fleetq.wait_ms': run.waitMs,
  };
}

/** What is known when a run has ended. */
export function outcomeAttributes({ outcome, delayMs, isStray, isTimedOut }: RunTrace): Attributes {
  return {
    ...(outcome === undefined ? {} : { 'fleetq.outcome': outcome }),
    ...(delayMs === undefined ? {} : { 'fleetq.delay_ms': delayMs }),
    ...(isTimedOut === true ? { 'fleetq.timed_out': true } : {}),
    ...(isStray === true ? { 'fleetq.stray': true } : {}),
  };
}

/** Records an error, with its code or its class as `error.type`. */
export function recordError(span: Span, error: unknown): void {
  const { name, message, code, stack } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as Partial<Error> & {
    readonly code?: unknown;
  };
  const text = message ?? String(error);
  const type = typeof code === 'string' ? code : (name ?? 'Error');
  span.recordException({ name: name ?? 'Error', message: text, ...(stack === undefined ? {} : { stack }) });
  failWith(span, type, text);
}

/** Sets the status of a span to an error. */
export function failWith(span: Span, type: string, message: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
