/**
 * Decides the next state of a step from the outcome of a claim.
 *
 * Invariants:
 * - The decision is pure, and made here only, for the pool as for recovery. There is no second state machine.
 * - A retry by policy, a time-out and `RetryLaterError` are charged to `retryCount`. An orphan of an evicted pod is charged to
 *   `crashes`. A released step, and an orphan of a pod that left or fell asleep, is not charged.
 * - Only a suspect that was alone on its pod can fail for a crash.
 */
import { plainError, type SerializedError } from './serialized-error.js';
import { MAX_DURATION_MS } from '../input/field-checks.js';
import { retryDelayMs, type RetryPolicy } from './retry.js';
import { isSuspect } from './crash-suspect.js';

/** The outcome of a claim. */
export type Outcome =
  | {
      readonly kind: 'succeeded';
      /** JSON text; `null` if the handler returned nothing. */ readonly result: string | null;
    }
  | {
      readonly kind: 'failed';
      readonly error: SerializedError;
      readonly retry: 'policy' | 'never' | { readonly delayMs: number };
    }
  | {
      readonly kind: 'timedOut';
      readonly timeoutMs: number;
      /** What the handler threw within its grace, unless it was the time-out itself. */
      readonly error?: SerializedError;
      /** When to try again. Default: by the policy. */
      readonly retry?: 'policy' | { readonly delayMs: number };
    }
  | { readonly kind: 'cancelled' }
  | {
      readonly kind: 'released';
      readonly delayMs: number;
      readonly reason: ReleaseReason;
      /** What the handler threw after it was aborted, unless it was the abort itself. */
      readonly error?: SerializedError;
    }
  | {
      readonly kind: 'orphaned';
      /** Its pod was evicted: charge `crashes`. */ readonly evicted: boolean;
      /** Its pod claimed it when it was empty, and held nothing else: a crash is the step's own. */ readonly alone: boolean;
    };

/**
 * Why a claim was given back uncharged: the handler asked for it; it could not start in time; its step is still run by a
 * stray here; the queue stops or pauses; the pod fenced itself, or no longer held it.
 */
export type ReleaseReason = 'handler' | 'unstarted' | 'blocked' | 'stopping' | 'fenced';

/** The fields of a claim that the decision needs. */
export interface Charges {
  readonly stepId: string;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly crashes: number;
}

/** The rules of the process that decides. */
export interface Rules {
  readonly retry: RetryPolicy;
  /** Above this many crashes a step that was alone on its pod fails with `STEP_CRASHED_POD`. */
  readonly maxCrashes: number;
}

/** The step's next state, as plain data that a store can apply under the claim's fence. */
export interface Transition {
  readonly status: 'pending' | 'completed' | 'failed' | 'cancelled';
  /** Of `pending`: the time until the step is due, in ms by the store's clock. `null`: it keeps its `runAt`, and its turn. */
  readonly delayMs: number | null;
  /** How much `retryCount` rises. */
  readonly charge: 0 | 1;
  /** How much `crashes` rises. */
  readonly crash: 0 | 1;
  /** JSON text. */
  readonly result: string | null;
  /** JSON text of a {@link SerializedError}. `null` keeps nothing. */
  readonly error: string | null;
}

/** Decides the step's next state. @param random `0 <= n < 1`, for the jitter of a retry */
export function decide(claim: Charges, outcome: Outcome, rules: Rules, random: () => number): Transition {
  switch (outcome.kind) {
    case 'succeeded':
      return { status: 'completed', delayMs: null, charge: 0, crash: 0, result: outcome.result, error: null };
    case 'failed':
      return failed(claim, outcome, rules, random);
    case 'timedOut':
      return charged(claim, timeoutError(outcome), outcome.retry ?? 'policy', rules, random);
    case 'cancelled':
      return { status: 'cancelled', delayMs: null, charge: 0, crash: 0, result: null, error: null };
    case 'released':
      return {
        status: 'pending',
        delayMs: outcome.delayMs === 0 ? null : outcome.delayMs,
        charge: 0,
        crash: 0,
        result: null,
        error: outcome.error === undefined ? null : JSON.stringify(outcome.error),
      };
    case 'orphaned':
      return orphaned(claim, outcome, rules);
  }
}

function failed(claim: Charges, outcome: Outcome & { kind: 'failed' }, rules: Rules, random: () => number): Transition {
  if (outcome.retry === 'never') return ended(outcome.error);
  return charged(claim, outcome.error, outcome.retry, rules, random);
}

function charged(
  claim: Charges,
  error: SerializedError,
  retry: 'policy' | { readonly delayMs: number },
  rules: Rules,
  random: () => number,
): Transition {
  if (claim.retryCount >= claim.maxRetries) return ended(error);
  const delayMs =
    retry === 'policy'
      ? retryDelayMs(rules.retry, claim.retryCount, random())
      : Math.min(retry.delayMs, MAX_DURATION_MS);
  return { status: 'pending', delayMs, charge: 1, crash: 0, result: null, error: JSON.stringify(error) };
}

function orphaned(claim: Charges, { evicted, alone }: Outcome & { kind: 'orphaned' }, rules: Rules): Transition {
  // A suspect that was not alone has not been started: something else killed the pod.
  const charged = evicted && (alone || !isSuspect(claim));
  if (!charged) return { status: 'pending', delayMs: null, charge: 0, crash: 0, result: null, error: null };
  if (isSuspect(claim) && claim.crashes + 1 > rules.maxCrashes) return { ...ended(crashError(claim)), crash: 1 };
  return { status: 'pending', delayMs: null, charge: 0, crash: 1, result: null, error: null };
}

function ended(error: SerializedError): Transition {
  return { status: 'failed', delayMs: null, charge: 0, crash: 0, result: null, error: JSON.stringify(error) };
}

/** The error of a claim whose handler ran out of time. */
export function timeoutError({ timeoutMs, error }: Outcome & { kind: 'timedOut' }): SerializedError {
  const timedOut = plainError('STEP_TIMED_OUT', `the handler took longer than ${timeoutMs} ms`);
  return error === undefined ? timedOut : { ...timedOut, cause: error };
}

function crashError(claim: Charges): SerializedError {
  return plainError('STEP_CRASHED_POD', `${claim.crashes + 1} pods died while they held the step`);
}
