/** From a store's row to the step that users see. */
import { decodePayload, type Payload } from './payload.js';
import type { Step, StepStatus } from './step.js';
import { readError, readResult } from './stored-result.js';

/** The columns that a reader needs; a store's record and a claim with its status have them. */
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

/** Decodes a row; a result that cannot be read shows as the step's error. @param payload the row's payload where it has been decoded already */
export function readStep(row: StepRow, payload: Payload = decodePayload(row.payload)): Step {
  const result = readResult(row.result);
  return {
    stepId: row.stepId,
    type: row.type,
    args: payload.args,
    metadata: payload.metadata,
    status: row.status,
    priority: row.priority,
    retryCount: row.retryCount,
    attempt: row.retryCount + 1,
    maxRetries: row.maxRetries,
    crashes: row.crashes,
    runAt: row.runAt,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    claimedBy: row.claimedBy,
    result: result.value,
    error: readError(row.error) ?? result.problem,
    version: row.version,
  };
}
