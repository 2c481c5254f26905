/**
 * What the UPDATE of an exchange reads: one row for each step that it will change, a settlement or a new claim.
 *
 * Each common table expression has its comment beside it, in TypeScript: Snowflake never gets the comments. How they feed
 * each other is drawn in docs/architecture.md.
 *
 * Invariants:
 * - One row for each step. Snowflake refuses an UPDATE whose source has two rows for one target.
 * - All of it may be read late. What must hold is checked again on the target row, in the UPDATE.
 * - A value that another pod wrote fails nothing: it is cast with TRY_CAST, clamped, or replaced by an empty list.
 */
import type { Names } from '../../table-names.js';
import { askedWithin, cte, understood, withCtes } from '../../statements/fragments.js';
import { ended, served } from './served-requests.js';
import { SETTLES, settlement } from './settlement-columns.js';
import { clamped, listOf, MOST_SLOTS, numberOf } from './untrusted-values.js';
import { rank, waiting } from './waiting-steps.js';

/**
 * The bind, parsed once: every other CTE reads its values from here, so the statement has one bind.
 *
 * `skipped` is clamped like any number of a pod: a value that cannot be cast counts as 0.
 */
const q = cte(
  'q',
  `SELECT b, ${clamped(`COALESCE(${numberOf('b:skip')}, 0)`, MOST_SLOTS)} AS skipped FROM (SELECT PARSE_JSON(?) AS b)`,
);

/**
 * Every request that this UPDATE may serve: the pod's own, from the bind, and those that pods have logged.
 *
 * The window ends a request that nobody has served: its pod may be gone, or has long asked again. `own` may be NULL in the
 * bind; then no row comes from it.
 */
const asked = (names: Names): string =>
  cte(
    'asked',
    `SELECT q.b:own:token::VARCHAR AS token, q.b:own:pod::VARCHAR AS pod_id, q.b:own:incarnation::VARCHAR AS incarnation, ${numberOf('q.b:own:seq')} AS seq,
    q.b:own:group::VARCHAR AS group_id, ${numberOf('q.b:own:free')} AS free, ${numberOf('q.b:own:prefetch')} AS prefetch, ${numberOf('q.b:own:quarantine')} AS quarantine,
    q.b:own:limits AS limits, q.b:own:settlements AS settlements, SYSDATE() AS asked_ts
  FROM q WHERE q.b:own:token IS NOT NULL
  UNION ALL
  SELECT r.token, r.pod_id, r.incarnation, r.seq, r.group_id, r.free, r.prefetch, r.quarantine, r.limits, r.settlements, r.asked_ts
  FROM ${names.exchangeRequest} r CROSS JOIN q WHERE ${askedWithin('q.b:windowMs::NUMBER(38,0)')}`,
  );

/**
 * The newest request of each incarnation, with its values made safe.
 *
 * A pod that asks again replaces its earlier request: if both counted, it would be given steps for both. Values that another
 * pod wrote are cast and clamped, because one value that cannot be cast would fail the UPDATE for the whole fleet.
 */
const request = cte(
  'request',
  `SELECT a.token AS its_token, a.pod_id AS its_pod, a.incarnation AS its_incarnation, a.group_id AS its_group, a.asked_ts AS since_ts,
    ${clamped('a.free', MOST_SLOTS)} AS slots, ${clamped('a.prefetch', MOST_SLOTS)} AS ahead, IFF(a.quarantine = 1, 1, 0) AS isolates,
    ${listOf('a.limits')} AS its_limits, ${listOf('a.settlements')} AS its_settlements
  FROM asked a QUALIFY ROW_NUMBER() OVER (PARTITION BY a.incarnation ORDER BY a.seq DESC) = 1`,
);

/**
 * The settlements of all requests, one row each. A request carries them as an array, so they are flattened here.
 *
 * Settlements do not depend on `demand`: a request that was served before may still carry one that was not applied.
 */
const stated = cte(
  'stated',
  `SELECT r.its_incarnation AS settler, ${settlement('f.value')}
  FROM request r, LATERAL FLATTEN(INPUT => r.its_settlements) f`,
);

/**
 * The settlements whose claim still holds, as far as this read shows, with the row that each will change.
 *
 * The fence is checked here, so that most stale settlements end early; the UPDATE checks it again on the target row, which is
 * the check that counts. One row for each step: Snowflake refuses an UPDATE whose source has two rows for one target.
 */
const settled = (names: Names): string =>
  cte(
    'settled',
    `SELECT o.*, s.row_id AS its_row FROM stated o JOIN ${names.stepTracker} s ON s.step_id = o.its_step AND s.claim_token = o.guard AND s.version = o.seen
  WHERE s.status = 'claimed' AND ${understood('s')} AND o.becomes IN ${SETTLES}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY o.its_step ORDER BY s.row_id, o.settler) = 1`,
  );

/**
 * The requests that take part in the distribution: not served yet, their incarnation still alive, and of this pod's group.
 *
 * Pods that handle the same types are one group. Requests of another group are left to a pod of that group: a pod reads only
 * the types of its own group, so it cannot rank the steps of another one.
 */
const demand = cte(
  'demand',
  `SELECT r.*, ARRAY_SIZE(r.its_limits) + r.isolates AS breadth
  FROM request r CROSS JOIN q LEFT JOIN served v ON v.used = r.its_token LEFT JOIN ended e ON e.gone = r.its_incarnation
  WHERE v.used IS NULL AND e.gone IS NULL AND r.its_group = q.b:group::VARCHAR`,
);

/**
 * How many steps of each type a request may take, one row for each request and type.
 *
 * This keeps a type with `concurrency: 1` from filling a pod. A type that a request names twice counts once, at its
 * greatest limit.
 */
const allowed = cte(
  'allowed',
  `SELECT d.its_token, MAX(d.isolates) AS isolates, f.value:type::VARCHAR AS open_type, MAX(${clamped(numberOf('f.value:most'), MOST_SLOTS)}) AS at_most
  FROM demand d, LATERAL FLATTEN(INPUT => d.its_limits) f GROUP BY d.its_token, f.value:type::VARCHAR`,
);

/**
 * The requests with the slots that they can use: no more than the limits of their types allow together.
 *
 * Without this, a pod with ten free slots and a type of which it may take two would be given ten ranks, and the eight steps that it
 * cannot take would be kept from the requests after it.
 */
const able = cte(
  'able',
  `SELECT d.its_token, d.its_pod, d.its_incarnation, d.isolates, d.since_ts, d.breadth, LEAST(d.slots, u.usable) AS slots, LEAST(d.ahead, u.usable - LEAST(d.slots, u.usable)) AS ahead
  FROM demand d JOIN (SELECT its_token, COALESCE(SUM(at_most), 0) AS usable FROM allowed GROUP BY its_token) u ON u.its_token = d.its_token`,
);

/**
 * How many candidates of each type are read at most: `most` healthy steps, `few` suspects.
 *
 * The limit per type is what keeps the rest of the statement small, whatever the length of the backlog. Suspects have a limit
 * of their own: otherwise suspects at the front would leave no candidate for a healthy step of their type.
 */
const room = cte(
  'room',
  `SELECT a.open_type, SUM(a.at_most) + IFF(SUM(a.at_most) > 0, MAX(q.skipped), 0) AS most, SUM(IFF(a.at_most > 0, a.isolates, 0)) AS few
  FROM allowed a CROSS JOIN q GROUP BY a.open_type`,
);

/**
 * The candidates: of each type, the first steps by rank that are due, healthy steps and suspects counted apart.
 *
 * A suspect is a step under which two pods or more have died (`struck > 1`).
 */
const due = cte(
  'due',
  `SELECT w.* FROM waiting w JOIN room y ON y.open_type = w.its_type WHERE w.due_ts <= SYSDATE()
  QUALIFY ROW_NUMBER() OVER (PARTITION BY w.its_type, w.struck > 1 ORDER BY ${rank('w')}) <= IFF(w.struck > 1, y.few, y.most)`,
);

/**
 * How many candidates are skipped: what the pod asks for, but never so many that a seat of the group stays empty.
 *
 * A pod asks for a skip after an UPDATE that was refused steps which still read as due: others have claimed them, and this
 * session does not see that yet.
 */
const passing = cte(
  'passing',
  `SELECT c.due_count, LEAST(q.skipped, GREATEST(c.due_count - w.seats, 0)) AS passed
  FROM q CROSS JOIN (SELECT COUNT(*) AS due_count FROM due) c CROSS JOIN (SELECT COALESCE(SUM(slots + ahead), 0) AS seats FROM able) w`,
);

/**
 * The candidates of all types in one order, from 1; those that are skipped get ranks below 1, which no request reaches.
 */
const ranked = cte(
  'ranked',
  `SELECT d.*, ROW_NUMBER() OVER (ORDER BY ${rank('d')}) - p.passed AS rank_no FROM due d CROSS JOIN passing p`,
);

/**
 * The requests with their share of the prefetch.
 *
 * Prefetch is divided evenly over the requests, after the free slots of all have been counted: otherwise the first pod would
 * hold ahead what another could run at once.
 */
const fair = cte(
  'fair',
  `SELECT d.its_token, d.its_pod, d.its_incarnation, d.isolates, d.since_ts, d.breadth, d.slots,
    LEAST(d.ahead, CEIL(GREATEST(p.due_count - p.passed - SUM(d.slots) OVER (), 0) / COUNT(*) OVER ())) AS ahead
  FROM able d CROSS JOIN passing p`,
);

/**
 * The ranks that each request gets: running totals, over the requests in order of breadth, then of age.
 *
 * `free_to` and `ahead_to` are the last ranks of a request's free slots and of its prefetch. The free slots of all requests
 * come before the prefetch of any. Requests of many types come first, because they can use almost any step.
 */
const wanting = cte(
  'wanting',
  `SELECT d.*, SUM(d.slots) OVER (ORDER BY d.breadth DESC, d.since_ts, d.its_token ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS free_to,
    SUM(d.slots) OVER () + SUM(d.ahead) OVER (ORDER BY d.breadth DESC, d.since_ts, d.its_token ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS ahead_to
  FROM fair d`,
);

/**
 * Which step goes to which request: a rank that falls into the range of a request, if the request may take the step.
 *
 * A pair that its request may not take is dropped, and its step is left for the next UPDATE. The QUALIFY keeps the limit per
 * type, gives a step to one request only, and gives at most one suspect to a request. A step with a crash is never held ahead.
 */
const pair = cte(
  'pair',
  `SELECT k.its_step, k.first_id, k.seen, k.burn, k.crash, w.its_pod, w.its_incarnation, w.its_token
  FROM ranked k JOIN wanting w ON (k.rank_no > w.free_to - w.slots AND k.rank_no <= w.free_to AND (k.struck < 2 OR w.isolates = 1))
    OR (k.rank_no > w.ahead_to - w.ahead AND k.rank_no <= w.ahead_to AND k.struck = 0)
  JOIN allowed a ON a.its_token = w.its_token AND a.open_type = k.its_type
  QUALIFY ROW_NUMBER() OVER (PARTITION BY w.its_token, k.its_type ORDER BY k.rank_no) <= a.at_most
    AND ROW_NUMBER() OVER (PARTITION BY k.its_step ORDER BY w.its_token) = 1
    AND (k.struck < 2 OR ROW_NUMBER() OVER (PARTITION BY w.its_token, k.struck > 1 ORDER BY k.rank_no) = 1)`,
);

/** Settlements first, then claims. A claim has no fence of its own yet: `guard` and `settler` are NULL. */
export const sourceOf = (
  names: Names,
): string => `${withCtes(q, asked(names), request, stated, settled(names), served(names), ended(names), demand, allowed, able, room, waiting(names), due, passing, ranked, fair, wanting, pair)}
SELECT its_step, its_row, seen, guard, becomes, NULL AS its_pod, NULL AS its_incarnation, NULL AS its_token, burn, crash, delay_ms, its_result, its_error, settler FROM settled
UNION ALL
SELECT its_step, first_id, seen, NULL, 'claimed', its_pod, its_incarnation, its_token, burn, crash, NULL, NULL, NULL, NULL FROM pair`;
