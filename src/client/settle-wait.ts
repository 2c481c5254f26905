/** Resolves or rejects a wait with the row of a step that has ended. */
import { FleetQError, StepCancelledError, StepFailedError } from '../errors.js';
import { deserializeError } from '../step/serialized-error.js';
import { readError, readResult } from '../step/read-stored-result.js';
import type { StepRecord } from '../store/contract.js';

export function settleWait(
  record: StepRecord,
  resolve: (result: unknown) => void,
  reject: (error: Error) => void,
): void {
  const { stepId } = record;
  if (record.status === 'completed') {
    const { value, problem } = readResult(record.result);
    if (problem === undefined) return resolve(value);
    return reject(new FleetQError('RESULT_UNREADABLE', `step ${stepId} has completed, but ${problem.message}`));
  }
  if (record.status === 'cancelled') return reject(new StepCancelledError(stepId));
  const error = readError(record.error);
  reject(
    new StepFailedError(stepId, error?.message ?? 'unknown', error === undefined ? undefined : deserializeError(error)),
  );
}
