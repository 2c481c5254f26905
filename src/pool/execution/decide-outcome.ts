/**
 * Decides the outcome of a claim from the result, error or abort of its handler. Pure.
 *
 * Invariants:
 * - A cancelled step is cancelled, whatever its handler did.
 * - Otherwise a returned value counts, also one that comes after an abort: the work has been done.
 * - An error that was thrown because of an abort says nothing more than the abort. Any other error is recorded, and a
 *   `PermanentFailureError` fails the step. But the abort decides what is charged: a time-out is, other aborts are not.
 * - While the queue stops, an error that was thrown because of the stop gives the claim back uncharged.
 */
import { asError, isA } from '../../errors.js';
import { excessOf, jsonText } from '../../step/json.js';
import { plainError, serializeError } from '../../step/serialized-error.js';
import type { Outcome } from '../../step/decide-transition.js';
import type { AbortCause, HeldClaim } from '../claims/held-claim.js';
import { ArgsMismatch } from './checked-call.js';
import { isOfAbort, isStopped, retryOf, type Retry } from './classify-thrown.js';

const NOTHING: Outcome = Object.freeze({ kind: 'succeeded', result: null });

/** The handler returned `value`. */
export function returnedOutcome(held: HeldClaim, value: unknown, maxBytes: number): Outcome {
  if (held.aborted === undefined && held.releaseDelayMs === undefined && value === undefined) return NOTHING;
  return overruled(held) ?? released(held) ?? valueOutcome(value, maxBytes);
}

/** The handler threw. @param stopping whether the queue is being stopped */
export function thrownOutcome(held: HeldClaim, thrown: unknown, stopping = false): Outcome {
  const outcome = overruled(held) ?? released(held);
  if (outcome !== undefined) return outcome;
  return stopping && isStopped(thrown) ? abortedOutcome(held, 'stopping') : failureOutcome(held, thrown);
}

/** The handler did not return within its grace, or never ran. */
export function abortedOutcome(held: HeldClaim, cause: AbortCause): Outcome {
  switch (cause) {
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'timedOut':
      return { kind: 'timedOut', timeoutMs: held.handler.timeoutMs };
    case 'stopping':
      return { kind: 'released', delayMs: 0, reason: 'stopping' };
    case 'fenced':
    case 'lost':
      return { kind: 'released', delayMs: 0, reason: 'fenced' };
  }
}

function overruled({ aborted }: HeldClaim): Outcome | undefined {
  return aborted === 'cancelled' ? { kind: 'cancelled' } : undefined;
}

/** A handler cannot evade its time-out by releasing the step. */
function released(held: HeldClaim): Outcome | undefined {
  if (held.releaseDelayMs === undefined) return undefined;
  if (held.aborted === 'timedOut') return abortedOutcome(held, 'timedOut');
  return { kind: 'released', delayMs: held.releaseDelayMs, reason: 'handler' };
}

function valueOutcome(value: unknown, maxBytes: number): Outcome {
  if (value === undefined) return NOTHING;
  let result: string;
  try {
    result = jsonText(value, { field: 'result', code: 'RESULT_UNSERIALIZABLE' });
  } catch (error) {
    const { message } = asError(error);
    return { kind: 'failed', retry: 'never', error: plainError('RESULT_UNSERIALIZABLE', message) };
  }
  const excess = excessOf(result, maxBytes);
  if (excess !== undefined)
    return { kind: 'failed', retry: 'never', error: plainError('RESULT_TOO_LARGE', `the result ${excess}`) };
  return { kind: 'succeeded', result };
}

function failureOutcome(held: HeldClaim, thrown: unknown): Outcome {
  if (isA(thrown, ArgsMismatch)) {
    return { kind: 'failed', retry: 'never', error: plainError('STEP_ARGS_MISMATCH', thrown.message) };
  }
  const { aborted } = held;
  const retry = retryOf(thrown);
  if (aborted !== undefined && retry !== 'never') return afterAbort(held, aborted, thrown, retry);
  return { kind: 'failed', error: serializeError(thrown), retry };
}

function afterAbort(held: HeldClaim, cause: AbortCause, thrown: unknown, retry: Exclude<Retry, 'never'>): Outcome {
  const outcome = abortedOutcome(held, cause);
  if (isOfAbort(thrown, held.abortReason)) return outcome;
  if (outcome.kind === 'timedOut') return { ...outcome, error: serializeError(thrown), retry };
  return outcome.kind === 'released' ? { ...outcome, error: serializeError(thrown) } : outcome;
}
