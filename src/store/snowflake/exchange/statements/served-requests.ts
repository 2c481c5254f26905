/** Which requests need nothing more: those that were served, and those whose incarnation is gone. */
import type { Names } from '../../table-names.js';
import { cte } from '../../statements/fragments.js';

/**
 * The tokens of requests that have been served: any row that was claimed or settled under the token proves it.
 *
 * Without this, a request would be served by every UPDATE within its window, and its pod would get far more than it asked
 * for. A request that was filled in part counts as served, too: its pod asks for the rest under a new token.
 */
export const served = (names: Names): string =>
  cte(
    'served',
    `SELECT claim_token AS used FROM ${names.stepTracker} WHERE claim_token IS NOT NULL
  UNION
  SELECT settled_token FROM ${names.stepTracker} WHERE settled_token IS NOT NULL`,
  );

/**
 * The incarnations that left or were evicted. A request that they logged before must not be served: nobody would run its
 * steps, and recovery would have to take them back.
 */
export const ended = (names: Names): string =>
  cte('ended', `SELECT DISTINCT incarnation AS gone FROM ${names.podLog} WHERE event IN ('left', 'evicted')`);
