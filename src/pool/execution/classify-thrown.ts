/**
 * Classifies the error that a handler threw: a permanent failure, a retry at a given time, or the effect of an abort.
 *
 * Invariants:
 * - The whole chain of causes is examined, up to a depth, so a wrapped error counts like a bare one. The errors of an
 *   `AggregateError` are not: one failed attempt of several does not decide about the step.
 * - Anything can be thrown, also a proxy or an object whose getters throw. Nothing here throws.
 * - The library's classes are recognised by name too, because they may come from another copy of the package.
 */
import { readProperty } from '../../input/safe-reads.js';
import { isA, PermanentFailureError, RetryLaterError } from '../../errors.js';
import { MAX_CAUSES } from '../../step/serialized-error.js';
import type { Outcome } from '../../step/decide-transition.js';

export type Retry = Extract<Outcome, { readonly kind: 'failed' }>['retry'];

/** When to try again. A `PermanentFailureError` anywhere in the chain takes precedence over any `RetryLaterError`. */
export function retryOf(thrown: unknown): Retry {
  if (
    inChain(
      thrown,
      (error) => isA(error, PermanentFailureError) || readProperty(error, 'name') === 'PermanentFailureError',
    )
  ) {
    return 'never';
  }
  const later = inChain(
    thrown,
    (error) => isA(error, RetryLaterError) || readProperty(error, 'name') === 'RetryLaterError',
  );
  const delayMs = later && readProperty(later.error, 'delayMs');
  return typeof delayMs === 'number' && Number.isFinite(delayMs) && delayMs >= 0 ? { delayMs } : 'policy';
}

const ABORT_NAMES: readonly unknown[] = ['AbortError', 'CanceledError'];
const ABORT_CODES: readonly unknown[] = ['ABORT_ERR', 'ERR_CANCELED'];

/** Whether it was thrown because of an abort. @param reason the reason of the signal, if the handler has read it */
export function isOfAbort(thrown: unknown, reason: unknown): boolean {
  return (
    isStopped(thrown) ||
    inChain(
      thrown,
      (error) =>
        (reason !== undefined && error === reason) ||
        ABORT_NAMES.includes(readProperty(error, 'name')) ||
        ABORT_CODES.includes(readProperty(error, 'code')),
    ) !== undefined
  );
}

/** Whether it is a `StoppedError`, or has one among its causes. */
export function isStopped(thrown: unknown): boolean {
  return inChain(thrown, (error) => readProperty(error, 'code') === 'STOPPED') !== undefined;
}

/** The first error of the chain for which `test` holds, from the outside in. */
function inChain(thrown: unknown, test: (error: unknown) => boolean): { readonly error: unknown } | undefined {
  for (let error = thrown, depth = 0; error !== undefined && depth <= MAX_CAUSES; depth++) {
    if (test(error)) return { error };
    error = readProperty(error, 'cause');
  }
  return undefined;
}
