/**
 * Decodes a store's row into the step that readers see.
 *
 * Invariants: nothing here throws, whatever a row holds. A failed step always has an error, and only a completed one has a
 * result.
 */
import { decodePayload, type Payload } from './payload.js';
import { plainError } from './serialized-error.js';
import type { Step, StepStatus } from './step.js';
import { readError, readResult } from './read-stored-result.js';

/** The columns that make a step. A store's record has them, and so has a claim with its status. */
export interface StepRow {
  readonly stepId: string;
  readonly type: string;
  readonly payload: string;
  readonly status: StepStatus;
  readonly priority: number;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly crashes: number;
  readonly version: number;
  readonly runAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly claimedBy: string | null;
  readonly result: string | null;
  readonly error: string | null;
}

/**
 * Decodes a row. A result that is no JSON shows as the step's error.
 *
 * @param payload the row's payload, if it has been decoded already
 */
export function readStep(row: StepRow, payload: Payload = decodePayload(row.payload)): Step {
  const fields = {
    stepId: row.stepId,
    type: row.type,
    args: payload.args,
    metadata: payload.metadata,
    priority: row.priority,
    retryCount: row.retryCount,
    attempt: row.retryCount + 1,
    maxRetries: row.maxRetries,
    crashes: row.crashes,
    runAt: row.runAt,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    claimedBy: row.claimedBy,
    version: row.version,
  };
  const { status } = row;
  const result = readResult(row.result);
  const error = readError(row.error) ?? result.problem;
  if (status === 'completed') return { ...fields, status, result: result.value, error };
  if (status === 'failed') return { ...fields, status, result: undefined, error: error ?? NO_ERROR };
  return { ...fields, status, result: undefined, error };
}

/** The error of a row that was set to failed by hand. */
const NO_ERROR = plainError('STEP_FAILED', 'no error was recorded');
