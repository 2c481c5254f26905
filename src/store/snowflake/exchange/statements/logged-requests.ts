/**
 * The requests that pods have logged, as a statement reads them, and what an UPDATE could still do for each.
 *
 * Invariant: a value that another pod wrote fails nothing. It is cast with TRY_CAST, clamped, or replaced by an empty list.
 */
import type { Names } from '../../table-names.js';
import { askedWithin, cte, understood } from '../../statements/fragments.js';
import { clamped, listOf, MOST_SLOTS, numberOf } from './untrusted-values.js';

/** The newest request of each incarnation that was logged within `windowMs`. Needs `q`. */
export const loggedRequests = (names: Names): string =>
  cte(
    'request',
    `SELECT r.token AS its_token, r.incarnation AS its_incarnation, r.group_id AS its_group, r.asked_ts AS since_ts,
    ${clamped('r.free', MOST_SLOTS)} AS slots, ${clamped('r.prefetch', MOST_SLOTS)} AS ahead, IFF(r.quarantine = 1, 1, 0) AS isolates,
    ${listOf('r.limits')} AS its_limits, ${listOf('r.settlements')} AS its_settlements
  FROM ${names.exchangeRequest} r CROSS JOIN q WHERE ${askedWithin('q.window_ms')}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY r.incarnation ORDER BY r.seq DESC) = 1`,
  );

/** The requests with a settlement whose claim still stands. Needs `request`. */
const owing = (names: Names): string =>
  cte(
    'owing',
    `SELECT DISTINCT o.its_token FROM (
    SELECT r.its_token, f.value:id::VARCHAR AS its_step, f.value:token::VARCHAR AS guard, ${numberOf('f.value:version')} AS seen
    FROM request r, LATERAL FLATTEN(INPUT => r.its_settlements) f
  ) o JOIN ${names.stepTracker} s ON s.step_id = o.its_step AND s.claim_token = o.guard AND s.version = o.seen
  WHERE s.status = 'claimed' AND ${understood('s')}`,
  );

/** A pod that sees no work for its request goes on within this time: at its next look. */
const GONE_ON_MS = '5000';

/**
 * What each request of this pod's group can take: its types, and how many crashes a step may have. Prefetch takes no step with a
 * crash, and only a request that isolates takes a suspect.
 */
const hungry = cte(
  'hungry',
  `SELECT r.its_token, f.value:type::VARCHAR AS open_type, IFF(r.slots = 0, 0, 1 + r.isolates) AS most_struck
  FROM request r CROSS JOIN q, LATERAL FLATTEN(INPUT => r.its_limits) f WHERE r.slots + r.ahead > 0 AND r.its_group = q.my_group`,
);

/** The types with due steps, each with the fewest crashes among them, and since when its first is due. Needs `waiting`. */
const ripe = cte(
  'ripe',
  `SELECT w.its_type, MIN(LEAST(w.struck, 2)) AS struck, MIN(w.due_ts) AS first_ts FROM waiting w WHERE w.due_ts <= SYSDATE() GROUP BY w.its_type`,
);

/**
 * The requests for which an UPDATE could still do something: apply a settlement, or hand out a step. Needs `served` and `ended`.
 *
 * A request of another group counts for its settlements alone: only a pod of that group hands out its steps. A request that was
 * logged long before the first of its steps was due has found nothing, and its pod has gone on. Nobody must wait for its turn.
 */
const open = cte(
  'unserved',
  `SELECT its_token FROM owing
  UNION
  SELECT h.its_token FROM hungry h JOIN ripe p ON p.its_type = h.open_type AND p.struck <= h.most_struck
  JOIN request r ON r.its_token = h.its_token AND p.first_ts <= DATEADD(millisecond, ${GONE_ON_MS}, r.since_ts) LEFT JOIN served v ON v.used = h.its_token LEFT JOIN ended e ON e.gone = r.its_incarnation
  WHERE v.used IS NULL AND e.gone IS NULL`,
);

/** Where this pod's request stands: whether it is logged, whether it is open, and how many open ones are older. */
const place = cte(
  'place',
  `SELECT MAX(IFF(r.its_token = q.my_token, 1, 0)) AS is_logged, MAX(IFF(r.its_token = q.my_token AND u.its_token IS NOT NULL, 1, 0)) AS is_open,
    COUNT(IFF(u.its_token IS NOT NULL AND (r.since_ts < m.my_ts OR r.since_ts = m.my_ts AND r.its_token < q.my_token), 1, NULL)) AS older
  FROM q CROSS JOIN (SELECT MIN(r.since_ts) AS my_ts FROM request r JOIN q ON r.its_token = q.my_token) m
  LEFT JOIN request r ON TRUE LEFT JOIN unserved u ON u.its_token = r.its_token`,
);

/** The CTEs that say where a request stands. They come after `q`, `request`, `served`, `ended` and `waiting`. */
export const placeOf = (names: Names): readonly string[] => [owing(names), hungry, ripe, open, place];
