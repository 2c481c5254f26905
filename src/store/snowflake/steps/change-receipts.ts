/**
 * What became of a cancel or a retry, from the row of the step that a read shows.
 *
 * Invariant: a row of a version below the one that the change was made for was read late, and settles nothing.
 */
import { isTerminal, type StepStatus } from '../../../step/step.js';
import type { CancelReceipt, RetryReceipt, StepAt } from '../../contract.js';
import { number, text, textOrNull } from '../rows.js';
import type { Row } from '../session/session-interface.js';

/** Whether the row comes from the archive. */
export const isCold = (row: Row): boolean => number(row, 'IS_COLD') === 1;

/** Failed or cancelled: a retry starts the step again. */
const isRetryable = (row: Row): boolean => ['failed', 'cancelled'].includes(text(row, 'ITS_STATUS'));

/** Pending or claimed: a cancel ends the step. */
const isOpen = (row: Row): boolean => ['pending', 'claimed'].includes(text(row, 'ITS_STATUS'));

const isCancelledBy = (row: Row, token: string): boolean =>
  text(row, 'ITS_STATUS') === 'cancelled' && textOrNull(row, 'SETTLER') === token;

/**
 * Whether the row behind this read may be one that the cancel could change: the read is late, the step has come that far
 * since, or it was retried since.
 */
export function mayBeCancellable(row: Row, { version }: StepAt, token: string): boolean {
  const at = number(row, 'ITS_VERSION');
  if (isCancelledBy(row, token)) return false;
  return at < version || isRetryable(row) || (at === version && isOpen(row) && !isCold(row));
}

/** Whether the row behind this read may be one that the retry could change. If others retried it, it may have failed again. */
export function mayBeRetryable(row: Row, step: StepAt): boolean {
  return hasMoved(row, step) || isRetryable(row) || number(row, 'ITS_VERSION') < step.version;
}

export function cancelReceipt(row: Row | undefined, { version }: StepAt, token: string): CancelReceipt {
  if (row === undefined) return 'notFound';
  if (isCancelledBy(row, token)) return 'cancelled';
  const at = number(row, 'ITS_VERSION');
  if (at < version) return 'changed'; // a late read
  // A row of an unknown status stays as it is, however often it is tried. A row that reads as open, and was not cancelled, has
  // moved: the read is late.
  if (isTerminal(text(row, 'ITS_STATUS') as StepStatus)) return 'alreadyTerminal';
  return at === version && !isOpen(row) ? 'alreadyTerminal' : 'changed';
}

export function retryReceipt(row: Row | undefined, step: StepAt): RetryReceipt {
  if (row === undefined) return 'notFound';
  // At the version that was read, the write did not find it there, so this read is late. At another, it has failed again.
  if (isRetryable(row)) return 'changed';
  if (hasMoved(row, step)) return 'retried';
  return number(row, 'ITS_VERSION') < step.version ? 'changed' : 'notRetryable';
}

/** Whether only the archive has the step, at the version that was read, in a state that a retry can start again. */
export function isRestorable(row: Row | undefined, { version }: StepAt): boolean {
  return row !== undefined && isCold(row) && number(row, 'ITS_VERSION') === version && isRetryable(row);
}

/** Judged by all rows of the step: beside the row that was retried there may be another. */
function hasMoved(row: Row, { version }: StepAt): boolean {
  return number(row, 'HIGHEST_VERSION') > version;
}
