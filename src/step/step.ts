/** A step as readers see it: its fields and statuses. No I/O, no clock. */
import type { SerializedError } from './serialized-error.js';

/** `pending → claimed → completed | failed | cancelled`; a retry goes `claimed → pending` with `runAt` in the future. */
export type StepStatus = 'pending' | 'claimed' | 'completed' | 'failed' | 'cancelled';

export const STEP_STATUSES: readonly StepStatus[] = ['pending', 'claimed', 'completed', 'failed', 'cancelled'];

export function isStepStatus(value: unknown): value is StepStatus {
  return (STEP_STATUSES as readonly unknown[]).includes(value);
}

/** Whether a step of this status has ended. It changes only if a user retries it. */
export function isTerminal(status: StepStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Values that travel beside the args, such as a user or a trace id. They are never interpreted. */
export type Metadata = Readonly<Record<string, unknown>>;

/** The fields of a step of any status. Instants are epoch ms of the real world, as the store knew it at the time of writing. */
interface StepFields<Args> {
  readonly stepId: string;
  readonly type: string;
  readonly args: Args;
  readonly metadata: Metadata;
  /** Higher runs first. Default 0. */
  readonly priority: number;
  /** How many retries have been charged to the step so far; at most `maxRetries`. */
  readonly retryCount: number;
  /** `retryCount` + 1. A run that was released or orphaned does not raise it. */
  readonly attempt: number;
  /** How many more charged runs a failure may cost: 3 means at most four in all. */
  readonly maxRetries: number;
  /** How many pods died that may have died of this step: each held it, and may have started it. */
  readonly crashes: number;
  /** Not before this instant: the `runAt` that was submitted, until a retry or a release sets a later one. */
  readonly runAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The `podId` of the holder; after the end, of the last one. */
  readonly claimedBy: string | null;
  /** Rises with every change of the step's state. */
  readonly version: number;
}

/** A step that has completed. */
export interface CompletedStep<Args = unknown, Result = unknown> extends StepFields<Args> {
  readonly status: 'completed';
  /**
   * What the handler returned. If the stored text is not JSON (a row changed by hand), it is `undefined`, whatever the
   * handler's type, and `error` is set.
   */
  readonly result: Result;
  /** `RESULT_UNREADABLE` if the stored result is no JSON. */
  readonly error: SerializedError | undefined;
}

/** A step that has failed: it has no retries left, or cannot be retried. */
export interface FailedStep<Args = unknown> extends StepFields<Args> {
  readonly status: 'failed';
  readonly result: undefined;
  /** Why the last attempt failed. */
  readonly error: SerializedError;
}

/** A step that waits, runs or was cancelled. */
export interface StepWithoutResult<Args = unknown> extends StepFields<Args> {
  readonly status: 'pending' | 'claimed' | 'cancelled';
  readonly result: undefined;
  /** Why the last attempt failed, if one did. */
  readonly error: SerializedError | undefined;
}

/** One unit of work, as a reader sees it. Check `status` to narrow `result` and `error`. */
export type Step<Args = unknown, Result = unknown> =
  CompletedStep<Args, Result> | FailedStep<Args> | StepWithoutResult<Args>;
