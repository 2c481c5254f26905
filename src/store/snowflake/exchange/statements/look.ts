/**
 * What a pod reads after its UPDATE, or instead of one: its claims, its receipts, where its request stands, and what there is to
 * do. One statement answers all of it, because the number of statements is what an exchange costs.
 */
import type { Names } from '../../table-names.js';
import { ago, askedWithin, claimColumns, cte, firstRows, understood, withCtes } from '../../statements/fragments.js';
import { loggedRequests, placeOf } from './logged-requests.js';
import { receipt } from './receipts.js';
import { ended, served } from './served-requests.js';
import { waiting } from './waiting-steps.js';

/** How far back the requests count that say how busy the fleet is, in ms. */
const LOAD_WINDOW_MS = '60000';
/** Far longer than any exchange takes. */
const LONGEST_SLOT_MS = '600000';
/** Older requests of others do not matter: no pod takes that long to find itself alone. */
const OTHERS_WINDOW_MS = '3600000';

/** The bind, parsed once. Without tokens no claim is read. */
const q = cte(
  'q',
  `SELECT b, b:incarnation::VARCHAR AS me, b:token::VARCHAR AS my_token, b:group::VARCHAR AS my_group, b:windowMs::NUMBER(38,0) AS window_ms,
    b:mostCrashes::NUMBER(38,0) AS most_crashes, b:overdueMs::NUMBER(38,0) AS overdue_ms FROM (SELECT PARSE_JSON(?) AS b)`,
);

/** The tokens under which claims of this pod may show. */
const used = cte(
  'used',
  `SELECT DISTINCT f.value::VARCHAR AS its_token FROM q, LATERAL FLATTEN(INPUT => q.b:tokens) f`,
);

/** The types that this pod can start. Steps of other types are no work of its own, however many are due. */
const wanted = cte(
  'wanted',
  `SELECT DISTINCT f.value::VARCHAR AS open_type FROM q, LATERAL FLATTEN(INPUT => q.b:types) f`,
);

/**
 * How many steps the pod could claim now, how many of them have waited for longer than `overdueMs`, and when the next one falls
 * due. The pod derives its next delay from it.
 *
 * A step with more crashes than the pod accepts at the moment is not counted. If it were, the pod would send one UPDATE after
 * the other that claims nothing.
 */
const work = cte(
  'work',
  `SELECT COUNT(IFF(w.due_ts <= SYSDATE() AND w.struck <= q.most_crashes, 1, NULL)) AS due_count,
    COUNT(IFF(w.due_ts <= ${ago('q.overdue_ms')} AND w.struck <= q.most_crashes, 1, NULL)) AS overdue_count,
    MIN(IFF(w.due_ts > SYSDATE(), DATEDIFF(millisecond, SYSDATE(), w.due_ts), NULL)) AS next_ms
  FROM waiting w JOIN wanted y ON y.open_type = w.its_type CROSS JOIN q`,
);

/**
 * The claims of this incarnation under its tokens, each `first` or `void`.
 *
 * A claim is void if its row is not the first of its step, or if another row is claimed or has ended. It is given back and
 * never run: this is what keeps two pods from running one step through two rows. The UPDATE that took the claim has written
 * all rows of the step, so a look that shows the claim shows them too as they were then, whichever session took it.
 */
const claim = (names: Names): string =>
  cte(
    'claim',
    `SELECT s.step_id AS its_step, s.claim_token AS guard, s.version AS seen, IFF(s.row_id = d.first_id AND d.taken = 1, 'first', 'void') AS state,
    ROW_NUMBER() OVER (ORDER BY s.priority DESC, s.run_at, s.created_ts, COALESCE(s.submit_index, 0), s.step_id) AS rank_no, ${claimColumns('s')},
    DATEDIFF(millisecond, s.run_at, SYSDATE()) AS due_for_ms
  FROM ${names.stepTracker} s JOIN q ON s.claimed_incarnation = q.me JOIN used u ON u.its_token = s.claim_token
  JOIN (${firstRows(names)}) d ON d.its_step = s.step_id
  WHERE s.status = 'claimed'`,
  );

/**
 * How many pods have logged a request within the last minute, and the lower quartile of the slot times that they report. A pod
 * that is slow for a reason of its own must not slow the others, and a time that no pod can have measured does not count.
 */
const load = (names: Names): string =>
  cte(
    'load',
    `SELECT COUNT(DISTINCT r.incarnation) AS asked_count, ROUND(PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY IFF(r.slot_ms BETWEEN 0 AND ${LONGEST_SLOT_MS}, r.slot_ms, NULL)))::NUMBER(38,0) AS slot_quartile
  FROM ${names.exchangeRequest} r WHERE ${askedWithin(LOAD_WINDOW_MS)}`,
  );

/** The steps that a look is expected to show. */
const expected = cte(
  'expected',
  `SELECT DISTINCT f.value::VARCHAR AS its_step FROM q, LATERAL FLATTEN(INPUT => q.b:expected) f`,
);

/**
 * What the table holds, in one scan: how many rows there are, how many are claimed, how many of the expected steps show, and when another
 * pod has claimed or settled a step. Rows and claims say whether the fleet may sleep. A claim that was written by hand with nonsense in it
 * is nobody's: nothing ends it, so it must not keep the fleet awake.
 */
const whole = (names: Names): string =>
  cte(
    'whole',
    `SELECT COUNT(*) AS row_count, COUNT(IFF(s.status = 'claimed' AND ${understood('s')}, 1, NULL)) AS claimed_count, COUNT(DISTINCT e.its_step) AS shown_count,
    MAX(IFF(IFF(s.status = 'claimed', s.claimed_incarnation, s.settled_by) <> q.me, s.last_update_ts, NULL)) AS others_ts
  FROM ${names.stepTracker} s CROSS JOIN q LEFT JOIN expected e ON e.its_step = s.step_id`,
  );

/** How long ago another pod has logged a request, or has claimed or settled a step. Needs `whole`. */
const other = (names: Names): string =>
  cte(
    'other',
    `SELECT DATEDIFF(millisecond, MAX(o.last_ts), SYSDATE()) AS other_ms FROM (
    SELECT r.asked_ts AS last_ts FROM ${names.exchangeRequest} r JOIN q ON r.incarnation <> q.me WHERE ${askedWithin(OTHERS_WINDOW_MS)}
    UNION ALL
    SELECT t.others_ts FROM whole t
  ) o`,
  );

const REST = 'NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL';
/** A row of kind `fact`: its name, and its number or NULL. */
const fact = (name: string, value: string, from: string): string =>
  `SELECT 'fact', '${name}', NULL, ${value}, NULL, ${REST} FROM ${from}`;

/** One row for each claim, one for each receipt, and one for each fact. */
export const lookOf = (
  names: Names,
): string => `${withCtes(q, receipt(names.stepTracker), used, wanted, waiting(names), work, claim(names), loggedRequests(names), served(names), ended(names), ...placeOf(names), load(names), expected, whole(names), other(names))}
SELECT 'claim' AS kind, its_step AS id, guard, seen, state, rank_no, its_type, its_payload, its_priority, retries, most_retries, struck, run_at_ms, created_at_ms, due_for_ms FROM claim
UNION ALL
SELECT 'receipt', its_step, guard, seen, state, ${REST} FROM receipt
UNION ALL
${[
  fact('due', 'due_count', 'work'),
  fact('overdue', 'overdue_count', 'work'),
  fact('nextMs', 'next_ms', 'work'),
  fact('isLogged', 'is_logged', 'place'),
  fact('isOpen', 'is_open', 'place'),
  fact('older', 'older', 'place'),
  fact('asked', 'asked_count', 'load'),
  fact('slotMs', 'slot_quartile', 'load'),
  fact('otherMs', 'other_ms', 'other'),
  fact('shown', 'shown_count', 'whole'),
  fact('rows', 'row_count', 'whole'),
  fact('claimed', 'claimed_count', 'whole'),
].join('\nUNION ALL\n')}`;
