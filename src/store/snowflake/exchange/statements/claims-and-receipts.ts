/**
 * What a pod reads after its UPDATE, or instead of one: its claims, its receipts, and whether there is more to do. One
 * statement answers all three, because the number of statements is what an exchange costs.
 */
import type { Names } from '../../table-names.js';
import { claimColumns, cte, firstRows, withCtes } from '../../statements/fragments.js';
import { receipt } from './receipts.js';
import { waiting } from './waiting-steps.js';

/** The bind, parsed once. Without a token no claim is read. */
const q = cte(
  'q',
  `SELECT b, b:incarnation::VARCHAR AS me, b:token::VARCHAR AS my_token, b:mostCrashes::NUMBER(38,0) AS most_crashes FROM (SELECT PARSE_JSON(?) AS b)`,
);

/** The types that this pod can start. Steps of other types are no work of its own, however many are due. */
const wanted = cte(
  'wanted',
  `SELECT DISTINCT f.value::VARCHAR AS open_type FROM q, LATERAL FLATTEN(INPUT => q.b:types) f`,
);

/**
 * How many steps the pod could claim now, and when the next one falls due. The pod derives its next delay from it.
 *
 * A step with more crashes than the pod accepts at the moment is not counted. If it were, the pod would send one UPDATE after
 * the other that claims nothing.
 */
const work = cte(
  'work',
  `SELECT COUNT(IFF(w.due_ts <= SYSDATE() AND w.struck <= q.most_crashes, 1, NULL)) AS due_count,
    MIN(IFF(w.due_ts > SYSDATE(), DATEDIFF(millisecond, SYSDATE(), w.due_ts), NULL)) AS next_ms
  FROM waiting w JOIN wanted y ON y.open_type = w.its_type CROSS JOIN q`,
);

/**
 * The claims of this incarnation under the token, each `first` or `void`.
 *
 * A claim is void if its row is not the first of its step, or if another row is claimed or has ended. It is given back and
 * never run: this is what keeps two pods from running one step through two rows.
 */
const claim = (names: Names): string =>
  cte(
    'claim',
    `SELECT s.step_id AS its_step, s.version AS seen, IFF(s.row_id = d.first_id AND d.taken = 1, 'first', 'void') AS state,
    ROW_NUMBER() OVER (ORDER BY s.priority DESC, s.run_at, s.created_ts, COALESCE(s.submit_index, 0), s.step_id) AS rank_no, ${claimColumns('s')},
    DATEDIFF(millisecond, s.run_at, SYSDATE()) AS due_for_ms
  FROM ${names.stepTracker} s JOIN q ON s.claim_token = q.my_token AND s.claimed_incarnation = q.me
  JOIN (${firstRows(names)}) d ON d.its_step = s.step_id
  WHERE s.status = 'claimed'`,
  );

/** One row for each claim, one for each receipt, and one for the work. */
export const claimsAndReceiptsOf = (
  names: Names,
): string => `${withCtes(q, receipt(names.stepTracker), wanted, waiting(names), work, claim(names))}
SELECT 'claim' AS kind, its_step AS id, NULL AS guard, seen, state, rank_no, its_type, its_payload, its_priority, retries, most_retries, struck, run_at_ms, created_at_ms, due_for_ms FROM claim
UNION ALL
SELECT 'receipt', its_step, guard, seen, state, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM receipt
UNION ALL
SELECT 'work', NULL, NULL, due_count, NULL, next_ms, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM work`;
