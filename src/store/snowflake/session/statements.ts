/** The settings of a session, sent once when it begins. */
import { literal } from '../table-names.js';
import { count } from '../statements/fragments.js';

/**
 * Sets what an account or a user may have set otherwise, and what would change the meaning of our statements, how long they
 * wait, or how the driver reads their rows.
 */
export function sessionSettings(queryTag: string, timeoutSeconds: number): string {
  return `ALTER SESSION SET ${[
    `QUERY_TAG = ${literal(queryTag)}`,
    `TIMEZONE = 'UTC'`,
    `TIMESTAMP_INPUT_FORMAT = 'AUTO'`,
    // Shorter than the statement's time-out, so that the wait for a lock ends as back-pressure. It must outlast a full queue of
    // some 20 UPDATEs. The rest of the time is for the statement's own work.
    `LOCK_TIMEOUT = ${count(Math.floor(timeoutSeconds * 0.75))}`,
    `STATEMENT_TIMEOUT_IN_SECONDS = ${count(timeoutSeconds)}`,
    `STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = ${count(timeoutSeconds)}`,
    'AUTOCOMMIT = TRUE',
    'ABORT_DETACHED_QUERY = TRUE',
    'ERROR_ON_NONDETERMINISTIC_UPDATE = TRUE',
    'QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE',
    'ROWS_PER_RESULTSET = 0',
    // Without it, the driver returns whole numbers as objects.
    'JS_TREAT_INTEGER_AS_BIGINT = FALSE',
    // The pulse names no table, so nothing would ever invalidate a cached answer.
    'USE_CACHED_RESULT = FALSE',
  ].join(', ')}`;
}
