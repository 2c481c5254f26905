/** What became of settlements: which claim each of them still meets, and who has settled it. */
import { remembers } from '../../statements/earlier-settlements.js';
import { cte, withCtes } from '../../statements/fragments.js';

const EARLIER = remembers({ token: 'm.guard', version: 'm.seen', by: 'm.me' });

/**
 * The state of each settlement { id, token, version } of the bind, read from the rows of its step:
 *
 * - `absent`: the step has no row in this table.
 * - `claimed`: the claim still stands, so the settlement has not been applied.
 * - `mine`: this incarnation has settled the claim. Token, version and incarnation must all match: a token alone could belong
 *   to a duplicate that was claimed anew. Others may have claimed and settled the step since.
 * - `cancelled`: the claim ended by a cancellation, or the step was cancelled after that settlement and before another claim.
 * - `lost`: all rows have moved past the claim, and this incarnation did not settle it.
 * - `late`: a row has not come as far as the claim. It was read late, or it is another row of the step, so it proves nothing.
 *
 * All rows of a step count, not the first alone: after a late INSERT, the claim may stand on any of them.
 */
export const receipt = (table: string): string =>
  cte(
    'receipt',
    `SELECT m.its_step, m.guard, m.seen, CASE WHEN COUNT(s.step_id) = 0 THEN 'absent'
    WHEN MAX(IFF(s.status = 'claimed' AND s.claim_token = m.guard AND s.version = m.seen, 1, 0)) = 1 THEN 'claimed'
    WHEN MAX(IFF(s.settled_token = m.guard AND s.settled_version = m.seen AND s.settled_by = m.me, 1, 0)) = 1 THEN 'mine'
    WHEN MAX(IFF(s.settled_token = m.guard AND s.settled_version = m.seen AND s.status = 'cancelled', 1, 0)) = 1 THEN 'cancelled'
    WHEN MAX(IFF(${EARLIER}, 1, 0)) = 1 THEN 'mine'
    WHEN MIN(s.version) > m.seen THEN 'lost' ELSE 'late' END AS state
  FROM (SELECT DISTINCT q.me, f.value:id::VARCHAR AS its_step, f.value:token::VARCHAR AS guard, f.value:version::NUMBER(38,0) AS seen
    FROM q, LATERAL FLATTEN(INPUT => q.b:mine) f) m
  LEFT JOIN ${table} s ON s.step_id = m.its_step
  GROUP BY m.its_step, m.guard, m.seen`,
  );

/** The bind, parsed once. */
const q = cte('q', `SELECT b, b:incarnation::VARCHAR AS me FROM (SELECT PARSE_JSON(?) AS b)`);

/** The receipts alone, from the hot table or from the archive. */
export const receiptsOf = (table: string): string => `${withCtes(q, receipt(table))}
SELECT its_step AS id, guard, seen, state FROM receipt`;
