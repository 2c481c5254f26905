/**
 * What became of a cancel or a retry, from the rows of the step that a read shows.
 *
 * Invariants:
 * - A row of a version below the one that the change was made for was read late, and settles nothing.
 * - A step may have several rows. A change is done once it is done in all of them.
 */
import { isTerminal, type StepStatus } from '../../../step/step.js';
import type { CancelReceipt, RetryReceipt, StepAt } from '../../contract.js';
import { number, text, textOrNull } from '../rows.js';
import type { Row } from '../session/session-interface.js';

/** The rows of one step, at least one. The first is the one that readers show. */
export type StepRows = readonly [Row, ...Row[]];

/** The rows of each step. */
export function rowsOfSteps(rows: readonly Row[]): Map<string, StepRows> {
  const steps = new Map<string, StepRows>();
  for (const row of [...rows].sort((a, b) => number(a, 'ITS_PLACE') - number(b, 'ITS_PLACE'))) {
    const before = steps.get(text(row, 'ID'));
    steps.set(text(row, 'ID'), before === undefined ? [row] : [...before, row]);
  }
  return steps;
}

/** Whether the step has more than one row in the hot table. */
const areSeveral = (rows: StepRows): boolean => rows.length > 1;

/** Whether the row comes from the archive. */
export const isCold = ([row]: StepRows): boolean => number(row, 'IS_COLD') === 1;

const versionOf = (row: Row): number => number(row, 'ITS_VERSION');
const isCompleted = (row: Row): boolean => text(row, 'ITS_STATUS') === 'completed';

/** Failed or cancelled: a retry starts the step again. */
const isRetryable = (row: Row): boolean => ['failed', 'cancelled'].includes(text(row, 'ITS_STATUS'));

/** Pending or claimed: a cancel ends the step. */
const isOpen = (row: Row): boolean => ['pending', 'claimed'].includes(text(row, 'ITS_STATUS'));

const isCancelledBy = (row: Row, token: string): boolean =>
  text(row, 'ITS_STATUS') === 'cancelled' && textOrNull(row, 'SETTLER') === token;

/**
 * Whether the rows behind this read may be such that the cancel could change them: the read is late, the step has come that far
 * since, or it was retried since.
 */
export function mayBeCancellable(rows: StepRows, { version }: StepAt, token: string): boolean {
  const [row] = rows;
  if (rows.some((one) => isCancelledBy(one, token))) return false;
  const at = versionOf(row);
  return at < version || isRetryable(row) || (at === version && isOpen(row) && !isCold(rows));
}

/** The row that is left to cancel: the cancel has ended another row of the step, and this one is open. */
export function leftToCancel(rows: StepRows | undefined, { stepId }: StepAt, token: string): StepAt | undefined {
  if (!rows?.some((row) => isCancelledBy(row, token))) return undefined;
  const open = rows.find(isOpen);
  return open && { stepId, version: versionOf(open) };
}

export function cancelReceipt(rows: StepRows | undefined, step: StepAt, token: string): CancelReceipt {
  if (rows === undefined) return 'notFound';
  if (leftToCancel(rows, step, token) !== undefined) return 'changed';
  const [row] = rows;
  if (isCancelledBy(row, token)) return 'cancelled';
  // The cancel has ended another row, and this one has ended otherwise.
  if (rows.some((one) => isCancelledBy(one, token)) || isCompleted(row)) return 'alreadyTerminal';
  const at = versionOf(row);
  if (at < step.version) return 'changed'; // a late read
  // A row of an unknown status stays as it is, however often it is tried. A row that reads as open, and was not cancelled, has
  // moved: the read is late.
  if (isTerminal(text(row, 'ITS_STATUS') as StepStatus)) return 'alreadyTerminal';
  return at === step.version && !isOpen(row) ? 'alreadyTerminal' : 'changed';
}

/** Whether the rows behind this read may be such that the retry could change them. If others retried it, it may have failed again. */
export function mayBeRetryable(rows: StepRows, step: StepAt): boolean {
  const [row] = rows;
  return areSeveral(rows) || hasMoved(rows, step) || isRetryable(row) || versionOf(row) < step.version;
}

/**
 * The row of several that is to be retried next, if the step may be retried: the row that the caller has read comes last. As long as
 * that one stands, a repeat finds what is left.
 */
export function leftToRetry(rows: StepRows | undefined, { stepId, version }: StepAt): StepAt | undefined {
  if (rows === undefined || !areSeveral(rows) || rows.some(isCompleted)) return undefined;
  const ended = rows.filter(isRetryable);
  const isToRetry = ended.some((row) => versionOf(row) === version);
  const isRetried = rows.some((row) => isOpen(row) && versionOf(row) > version);
  if (!isToRetry && !isRetried) return undefined;
  const next = ended.find((row) => versionOf(row) !== version) ?? ended[0];
  return next && { stepId, version: versionOf(next) };
}

export function retryReceipt(rows: StepRows | undefined, step: StepAt): RetryReceipt {
  if (rows === undefined) return 'notFound';
  const [row] = rows;
  // At the version that was read, the write did not find it there, so this read is late. At another, it has failed again.
  if (isRetryable(row)) return 'changed';
  if (isCompleted(row)) {
    const isUntouched = rows.some((one) => isRetryable(one) && versionOf(one) === step.version);
    return hasMoved(rows, step) && !isUntouched ? 'retried' : 'notRetryable';
  }
  if (hasMoved(rows, step)) return 'retried';
  return versionOf(row) < step.version ? 'changed' : 'notRetryable';
}

/** Whether only the archive has the step, at the version that was read, in a state that a retry can start again. */
export function isRestorable(rows: StepRows | undefined, { version }: StepAt): boolean {
  return rows !== undefined && isCold(rows) && versionOf(rows[0]) === version && isRetryable(rows[0]);
}

/** Judged by all rows of the step: beside the row that was retried there may be another. */
function hasMoved(rows: StepRows, { version }: StepAt): boolean {
  return rows.some((row) => versionOf(row) > version);
}
