/**
 * From what a handler did to the outcome of its claim. Pure.
 *
 * Law: what was cancelled is cancelled and what timed out is charged, whatever the handler made of it. Otherwise a value
 * counts, also one that comes after an abort: the work has been done. What is thrown after an abort counts as thrown
 * because of it, and gives the claim back uncharged; only a `PermanentFailure` is still a verdict. While the queue is
 * being stopped, what was thrown because of the stop gives the claim back uncharged in any case.
 */
import { FleetQError, isA, PermanentFailure, RetryLater, ValidationError } from '../errors.js';
import { jsonText } from '../step/json.js';
import { MAX_CAUSES, plainError, serializeError } from '../step/failure.js';
import type { Outcome } from '../step/transition.js';
import type { AbortCause, Hold } from './hold.js';

/** The args are not what the step type's schema takes: thrown in the handler's place. */
export class ArgsMismatch extends FleetQError {
  constructor(type: string, problem: string) {
    super('STEP_ARGS_MISMATCH', `args of ${type}: ${problem}`);
  }
}

const NOTHING: Outcome = Object.freeze({ kind: 'succeeded', result: null });

/** The handler returned `value`. */
export function returnedOutcome(hold: Hold, value: unknown, maxBytes: number): Outcome {
  if (hold.aborted === undefined && hold.releasedFor === undefined && value === undefined) return NOTHING;
  return overruled(hold) ?? released(hold) ?? valueOutcome(value, maxBytes);
}

/** The handler threw. @param stopping whether its queue is being stopped */
export function thrownOutcome(hold: Hold, thrown: unknown, stopping = false): Outcome {
  const outcome = overruled(hold) ?? released(hold);
  if (outcome !== undefined) return outcome;
  return stopping && isStopped(thrown) ? abortedOutcome(hold, 'stopping') : failureOutcome(hold, thrown);
}

/** The handler has not returned within its grace; or it never began. */
export function abortedOutcome(hold: Hold, cause: AbortCause): Outcome {
  switch (cause) {
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'timedOut':
      return { kind: 'timedOut', timeoutMs: hold.handler.timeoutMs };
    case 'stopping':
      return { kind: 'released', delayMs: 0, reason: 'stopping' };
    case 'fenced':
    case 'lost':
      return { kind: 'released', delayMs: 0, reason: 'fenced' };
  }
}

function overruled(hold: Hold): Outcome | undefined {
  const { aborted } = hold;
  return aborted === 'cancelled' || aborted === 'timedOut' ? abortedOutcome(hold, aborted) : undefined;
}

function released({ releasedFor }: Hold): Outcome | undefined {
  return releasedFor === undefined ? undefined : { kind: 'released', delayMs: releasedFor, reason: 'handler' };
}

function valueOutcome(value: unknown, maxBytes: number): Outcome {
  if (value === undefined) return NOTHING;
  let result: string;
  try {
    result = jsonText(value, { field: 'result', code: 'RESULT_UNSERIALIZABLE' });
  } catch (error) {
    const problem = error instanceof ValidationError ? error.message : 'JSON cannot carry the result';
    return { kind: 'failed', retry: 'never', error: plainError('RESULT_UNSERIALIZABLE', problem) };
  }
  // A UTF-16 unit is at most three bytes of UTF-8: only what may be too long is measured.
  if (result.length * 3 > maxBytes) {
    const bytes = Buffer.byteLength(result);
    if (bytes > maxBytes) {
      const problem = `the result has ${bytes} bytes of JSON, at most ${maxBytes} are allowed`;
      return { kind: 'failed', retry: 'never', error: plainError('RESULT_TOO_LARGE', problem) };
    }
  }
  return { kind: 'succeeded', result };
}

function failureOutcome(hold: Hold, thrown: unknown): Outcome {
  if (isA(thrown, ArgsMismatch)) {
    return { kind: 'failed', retry: 'never', error: plainError('STEP_ARGS_MISMATCH', thrown.message) };
  }
  const permanent = isA(thrown, PermanentFailure) || read(thrown, 'name') === 'PermanentFailure';
  if (hold.aborted !== undefined && !permanent) return abortedOutcome(hold, hold.aborted);
  return { kind: 'failed', error: serializeError(thrown), retry: permanent ? 'never' : retryOf(thrown) };
}

/** Whether it is a `StoppedError`, or has one among its causes. */
function isStopped(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error !== undefined && depth <= MAX_CAUSES; depth++) {
    if (read(error, 'code') === 'STOPPED') return true;
    error = read(error, 'cause');
  }
  return false;
}

/** By name too: the class may come from another copy of the package. */
function retryOf(thrown: unknown): 'policy' | { readonly delayMs: number } {
  if (!isA(thrown, RetryLater) && read(thrown, 'name') !== 'RetryLater') return 'policy';
  const delayMs = read(thrown, 'delayMs');
  return typeof delayMs === 'number' && Number.isFinite(delayMs) && delayMs >= 0 ? { delayMs } : 'policy';
}

/** Whatever was thrown may be a proxy, or have getters that throw. */
function read(thrown: unknown, key: string): unknown {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  try {
    return (thrown as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}
