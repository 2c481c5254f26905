/** A step: one unit of work, as everyone sees it. Pure domain: no I/O, no clock. */
import type { SerializedError } from './serialized-error.js';

/** `pending → claimed → completed | failed | cancelled`; a retry goes `claimed → pending` with `runAt` in the future. */
export type StepStatus = 'pending' | 'claimed' | 'completed' | 'failed' | 'cancelled';

export const STEP_STATUSES: readonly StepStatus[] = ['pending', 'claimed', 'completed', 'failed', 'cancelled'];

export function isStepStatus(value: unknown): value is StepStatus {
  return (STEP_STATUSES as readonly unknown[]).includes(value);
}

/** Whether nothing more will happen to a step of this status by itself. */
export function isTerminal(status: StepStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Values that travel beside the args: who asked, a trace id. They are never interpreted. */
export type Metadata = Readonly<Record<string, unknown>>;

/** One unit of work. Instants are epoch milliseconds of the real world, as the store knew it when they were written. */
export interface Step<Args = unknown, Result = unknown> {
  readonly stepId: string;
  readonly type: string;
  readonly args: Args;
  readonly metadata: Metadata;
  readonly status: StepStatus;
  /** Higher runs first. Default 0. */
  readonly priority: number;
  /** How many retries have been charged to the step so far; at most `maxRetries`. */
  readonly retryCount: number;
  /** `retryCount` + 1: the user's number. What was released or orphaned does not raise it. */
  readonly attempt: number;
  /** How many more charged runs a failure may cost: 3 means at most four in all. */
  readonly maxRetries: number;
  /** How often a pod died that may have died of this step: it held it, and may have started it. */
  readonly crashes: number;
  /** Not before this instant: the `runAt` that was submitted, until a retry or a release sets a later one. */
  readonly runAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The `podId` of the holder; after the end, of the last one. */
  readonly claimedBy: string | null;
  /** What the handler returned, once completed. */
  readonly result: Result | undefined;
  /** Why the last attempt failed, if one did; `RESULT_UNREADABLE` where what is stored as the result is no JSON. */
  readonly error: SerializedError | undefined;
  /** Rises with every change of the step's state. */
  readonly version: number;
}
