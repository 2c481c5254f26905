/**
 * Every error that the library throws: a {@link FleetQError} with a `code`.
 *
 * Invariants:
 * - A message names the problem and shows the wrong value (shortened), but never a secret.
 * - A code is never renamed. The troubleshooting guide explains each code and what to do about it.
 */
import { types } from 'node:util';

/** What went wrong. Codes are stable: they are never renamed. */
export type ErrorCode =
  | 'OPTION_INVALID'
  | 'STEP_INVALID'
  | 'PAYLOAD_UNSERIALIZABLE'
  | 'PAYLOAD_TOO_LARGE'
  | 'STEP_TYPE_INVALID'
  | 'STEP_TYPE_DUPLICATE'
  | 'STEP_TYPE_UNKNOWN'
  | 'REGISTER_LATE'
  | 'STOPPED'
  | 'STEP_FAILED'
  | 'STEP_CANCELLED'
  | 'STEP_NOT_FOUND'
  | 'WAIT_TIMEOUT'
  | 'WAIT_ABORTED'
  | 'STEP_TIMED_OUT'
  | 'STEP_CRASHED_POD'
  | 'STEP_ARGS_MISMATCH'
  | 'RESULT_UNSERIALIZABLE'
  | 'RESULT_TOO_LARGE'
  | 'RESULT_UNREADABLE'
  | 'RESULT_UNSTORABLE'
  | 'CLAIM_ABORTED'
  | 'NOT_LEADER'
  | 'NOT_STARTED'
  | 'SUBMIT_INCOMPLETE'
  | 'STORE_ACCESS_DENIED'
  | 'STORE_ALTERED'
  | 'STORE_BUSY'
  | 'STORE_CLOSED'
  | 'STORE_CORRUPT'
  | 'STORE_DRIVER_MISSING'
  | 'STORE_FILE_REPLACED'
  | 'STORE_FULL'
  | 'STORE_LOGIN_REFUSED'
  | 'STORE_NETWORK_FS'
  | 'STORE_NOT_A_DATABASE'
  | 'STORE_NO_WAREHOUSE'
  | 'STORE_REFUSED'
  | 'STORE_SCHEMA_NEWER'
  | 'STORE_TABLE_KIND'
  | 'STORE_UNAVAILABLE'
  | 'STORE_UNWRITABLE';

/** The parent of all errors of this library. */
export class FleetQError extends Error {
  override readonly name: string = 'FleetQError';
  /** What went wrong; see the troubleshooting guide for each code. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An argument or an option is not valid. Nothing was written. */
export class ValidationError extends FleetQError {
  override readonly name = 'ValidationError';
  /** The path of the wrong field, for example `steps[3].args.when`. */
  readonly field: string;

  constructor(code: ErrorCode, field: string, problem: string, options?: ErrorOptions) {
    super(code, `${field}: ${problem}`, options);
    this.field = field;
  }
}

/** The store failed, or refused a call. */
export class StoreError extends FleetQError {
  override readonly name = 'StoreError';
  /** Whether the same call may succeed later. If `false`, it would be refused again; do not repeat it. */
  readonly transient: boolean;

  constructor(code: ErrorCode, message: string, transient: boolean, options?: ErrorOptions) {
    super(code, message, options);
    this.transient = transient;
  }
}

/** `submitMany` failed after some steps were committed. They stay in the store; `stepIds` names them. */
export class SubmitIncompleteError extends FleetQError {
  override readonly name = 'SubmitIncompleteError';
  /** The ids of the first steps of the call, in its order, which are committed. */
  readonly stepIds: readonly string[];

  constructor(stepIds: readonly string[], total: number, cause: unknown) {
    super(
      'SUBMIT_INCOMPLETE',
      `submitMany: ${stepIds.length} of ${total} steps were committed before the store failed; stepIds names them`,
      {
        cause,
      },
    );
    this.stepIds = stepIds;
  }
}

/** The queue has been stopped, or is being stopped. */
export class StoppedError extends FleetQError {
  override readonly name = 'StoppedError';
  constructor(what: string) {
    super('STOPPED', `${what}: the queue has been stopped; make a new FleetQ to continue`);
  }
}

/** Thrown by `waitFor`: the step failed. `cause` is the error of its last attempt, as it was recorded. */
export class StepFailedError extends FleetQError {
  override readonly name = 'StepFailedError';
  readonly stepId: string;
  /** An error with the recorded name, message, code, stack, fields and causes. */
  declare readonly cause: (Error & { readonly code?: string | number }) | undefined;
  constructor(stepId: string, problem: string, cause: Error | undefined) {
    super('STEP_FAILED', `step ${stepId} failed: ${problem}`, { cause });
    this.stepId = stepId;
  }
}

/** Thrown by `waitFor`: the step was cancelled. */
export class StepCancelledError extends FleetQError {
  override readonly name = 'StepCancelledError';
  readonly stepId: string;
  constructor(stepId: string) {
    super('STEP_CANCELLED', `step ${stepId} was cancelled`);
    this.stepId = stepId;
  }
}

/** There is no step with this id, or it has been deleted: finished steps are deleted after `retentionMs`. */
export class StepNotFoundError extends FleetQError {
  override readonly name = 'StepNotFoundError';
  readonly stepId: string;
  constructor(stepId: string) {
    super(
      'STEP_NOT_FOUND',
      `there is no step ${stepId}: it was never submitted here, or it ended longer ago than retentionMs`,
    );
    this.stepId = stepId;
  }
}

/** Thrown by `waitFor`: the step did not end within `timeoutMs`. The step continues; only the wait is over. */
export class WaitTimeoutError extends FleetQError {
  override readonly name = 'WaitTimeoutError';
  readonly stepId: string;
  readonly timeoutMs: number;
  /** The step's status at that time; `undefined` if the store did not answer. */
  readonly status: 'pending' | 'claimed' | undefined;
  /** @param details completes the message: the step's status, and why it still waits */
  constructor(stepId: string, timeoutMs: number, status?: 'pending' | 'claimed', details?: string) {
    const text = `step ${stepId} did not end within ${timeoutMs} ms`;
    super('WAIT_TIMEOUT', details === undefined ? text : `${text}: ${details}`);
    this.stepId = stepId;
    this.timeoutMs = timeoutMs;
    this.status = status;
  }
}

/** Thrown by a handler: the step cannot succeed, so it fails at once, without a retry. */
export class PermanentFailureError extends Error {
  override readonly name = 'PermanentFailureError';
}

/** Thrown by a handler: the step is retried after `delayMs`, not the delay of its policy. The attempt is charged. */
export class RetryLaterError extends Error {
  override readonly name = 'RetryLaterError';
  readonly delayMs: number;
  /** @throws ValidationError `STEP_INVALID` unless `delayMs` is a finite number of milliseconds, 0 or more. */
  constructor(delayMs: number, message = `retry in ${delayMs} ms`, options?: ErrorOptions) {
    super(message, options);
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      throw new ValidationError('STEP_INVALID', 'delayMs', `expected milliseconds, 0 or more, got ${show(delayMs)}`);
    }
    this.delayMs = delayMs;
  }
}

const SHOWN = 80;

/** Formats a value for an error message: with its type, on one line, shortened. Never throws, or calls `toJSON`. */
export function show(value: unknown): string {
  const text = shownSafely(value).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

function shownSafely(value: unknown): string {
  try {
    return shownInFull(value);
  } catch {
    return `[${typeof value}]`; // a trap or a getter threw
  }
}

function shownInFull(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > SHOWN ? value.slice(0, SHOWN) : value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return `[function ${value.name || 'anonymous'}]`;
    case 'object':
      return value === null ? 'null' : shownObject(value);
    default:
      return String(value);
  }
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `[array of ${value.length}]`;
  const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor
    ?.name;
  const keys = Object.keys(value).slice(0, 6).join(', ');
  return typeof name === 'string' && name !== 'Object' ? `[${name}]` : `{ ${keys} }`;
}

/** `instanceof` that never throws: a proxy whose traps throw is an instance of nothing. */
export function isA<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** Returns the thrown value as an `Error`. A value that is not one becomes an `Error` whose message shows it. */
export function asError(thrown: unknown): Error {
  try {
    if (isError(thrown) && typeof thrown.message === 'string') return thrown;
  } catch {
    // a trap or a getter threw
  }
  return new Error(`thrown: ${show(thrown)}`, { cause: thrown });
}

/** The most words that are compared, because more would block the event loop. */
const MOST_COMPARED = 1_000;

/** The most similar known word, if one is similar enough: for "did you mean". */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  let compared = 0;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue; // the distance is at least this difference
    if (++compared > MOST_COMPARED) break;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * Whether this is an error of any realm. A test runner, a VM context or a native module has an `Error` class of its
 * own, which `instanceof` does not know. `isNativeError` does not recognise a `DOMException` (the reason of an aborted
 * signal).
 */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false;
  return isA(value, Error) || types.isNativeError(value) || isDomException(value);
}

function isDomException(value: object): boolean {
  try {
    return Object.prototype.toString.call(value) === '[object DOMException]';
  } catch {
    return false; // a trap or a getter threw
  }
}
