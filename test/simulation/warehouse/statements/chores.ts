/** The model of the statement that counts what housekeeping would touch. */
import type { RequestRow, StatementModel } from '../tables.js';
import { forgettable, isFinal, isUnregistered, oldHeartbeats, oldRequests } from './log-pruning.js';
import { duplicates, ended, expired } from './retention.js';
import { limitOf } from './since.js';
import { understood } from '../values.js';

export const chores: StatementModel = (view, { now, bind }) => {
  const counts: Readonly<Record<string, number>> = {
    dedupe: duplicates(view, limitOf(bind, 'hotMs', now)).length,
    archive: ended(view, limitOf(bind, 'hotMs', now)).length,
    pruneArchive: expired(view, limitOf(bind, 'keepMs', now)).length,
    pruneRequests: oldRequests(view, bind, now).length,
    pruneHeartbeats: oldHeartbeats(view, limitOf(bind, 'windowMs', now)).length,
    forgetPods: forgettable(view, bind, now, isFinal(bind, now)).size,
    forgetUnregistered: forgettable(view, bind, now, isUnregistered).size,
    'invalid steps': [...view.allSteps()].filter((row) => !understood(row)).length,
    'invalid requests': [...view.requests()].filter((row) => isInvalid(row, now)).length,
  };
  return { rows: Object.entries(counts).map(([CHORE, MANY]) => ({ CHORE, MANY })) };
};

const MOST_LISTED = 10_000;

/** Whether a value is an array that a pod may have sent; NULL for NULL. */
const isList = (value: unknown): boolean | null =>
  value === null ? null : Array.isArray(value) && value.length <= MOST_LISTED;

function isInvalid({ free, prefetch, quarantine, limits, settlements, asked_ts }: RequestRow, now: number): boolean {
  if (!(free >= 0 && prefetch >= 0 && (quarantine === 0 || quarantine === 1))) return true;
  if (isList(limits) === false || isList(settlements) === false) return true;
  return asked_ts > now + 60_000;
}
