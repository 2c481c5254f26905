/**
 * The exchange: one UPDATE that applies the settlements of every open request and hands out what is due; and the look
 * that tells a pod what became of it.
 *
 * Invariants:
 * - A pod's own request travels inline; those that others have logged are served beside it. Only an incarnation's newest
 *   request counts, and its demand counts as served once any row carries its token.
 * - What the UPDATE reads may be late, what it writes is not. It writes every row of the steps that it changes: one row of
 *   each anew, the others unchanged. What a session has written it sees at once, so the look that follows sees every row
 *   of a claimed step as it stood when the claim was taken.
 * - A claim is void if another row of its step was claimed or had ended by then, or sorts before it. So of several rows of
 *   a step two are never held at once.
 * - Invalid data from one pod must not break the others: what cannot be cast is NULL, what is out of range is cut to it,
 *   what is no array, or far too long a one, is empty.
 */
import type { STEP_TRACKER } from '../columns.js';
import type { Names } from '../table-names.js';
import { ago, claimColumns, firstRows, isList, typeOf, understood } from '../statements/fragments.js';

export interface ExchangeStatements {
  /** What the exchange reads: one row for each step that it will change. Same bind. */
  readonly source: string;
  /** Bind: { own: request | null, windowMs, group, skip? }. */
  readonly exchange: string;
  /** Recovery's, and what of a pod's own does not travel with the exchange. Bind: { incarnation, settlements }. */
  readonly settle: string;
  /** Bind: { incarnation, token, types, bears, mine }. Rows of kind claim, receipt and work. */
  readonly look: string;
  /** Bind: { incarnation, mine }. */
  readonly receipts: string;
  /** The same of steps that only the archive has. */
  readonly archivedReceipts: string;
}

/** The longest delay that is taken: a hundred years of ms. */
const LONGEST_MS = '3155760000000';
/** More slots than any pod has. */
const MOST = '1000000';

const number = (value: string): string => `TRY_CAST(${value}::VARCHAR AS NUMBER(38,0))`;
const within = (value: string, most: string): string =>
  `CASE WHEN ${value} < 0 THEN 0 WHEN ${value} > ${most} THEN ${most} ELSE ${value} END`;
const array = (value: string): string => `IFF(${isList(value)}, ${value}, ARRAY_CONSTRUCT())`;

/** A settlement: { id, token, version, status, result?, error?, delayMs?, charge, crash }; texts are exact. */
const settlement = (
  v: string,
): string => `${v}:id::VARCHAR AS its_step, ${v}:token::VARCHAR AS guard, ${number(`${v}:version`)} AS seen,
    ${v}:status::VARCHAR AS becomes, ${v}:result::VARCHAR AS its_result, ${v}:error::VARCHAR AS its_error,
    IFF(${v}:status::VARCHAR = 'pending', ${within(number(`${v}:delayMs`), LONGEST_MS)}, NULL) AS delay_ms,
    IFF(${number(`${v}:charge`)} = 1, 1, 0) AS burn, IFF(${number(`${v}:crash`)} = 1, 1, 0) AS crash`;
const SETTLES = `('pending', 'completed', 'failed', 'cancelled')`;

/** What a claim or a settlement n makes of the columns of its row t. A claim keeps what is known of the last attempt. */
const EFFECT: Readonly<Partial<Record<keyof typeof STEP_TRACKER, string>>> = {
  status: 'n.becomes',
  version: 't.version + 1',
  last_update_ts: 'SYSDATE()',
  claim_token: 'n.its_token',
  claimed_by: `CASE n.becomes WHEN 'claimed' THEN n.its_pod WHEN 'pending' THEN NULL ELSE t.claimed_by END`,
  claimed_incarnation: `CASE n.becomes WHEN 'claimed' THEN n.its_incarnation WHEN 'pending' THEN NULL ELSE t.claimed_incarnation END`,
  claimed_ts: `IFF(n.becomes = 'claimed', SYSDATE(), t.claimed_ts)`,
  run_at: `IFF(n.delay_ms IS NULL, t.run_at, DATEADD(millisecond, n.delay_ms, SYSDATE()))`,
  retry_count: 't.retry_count + n.burn',
  crashes: 't.crashes + n.crash',
  result: `IFF(n.becomes = 'claimed', t.result, n.its_result)`,
  error: `IFF(n.becomes = 'claimed', t.error, n.its_error)`,
  settled_token: 'COALESCE(n.guard, t.settled_token)',
  settled_version: `IFF(n.becomes = 'claimed', t.settled_version, n.seen)`,
  settled_by: 'COALESCE(n.settler, t.settled_by)',
};
const effect = (of: (column: string, becomes: string) => string): string =>
  `SET ${Object.entries(EFFECT)
    .map(([column, becomes]) => `${column} = ${of(column, becomes)}`)
    .join(',\n  ')}`;

/** The order of claims: priority descending, due time, then the order of submission: the statement's instant, and the place in it. */
const rank = (alias: string): string =>
  ['prio DESC', 'due_ts', 'made_ts', 'made_at', 'its_step'].map((column) => `${alias}.${column}`).join(', ');

/** Steps of which every row is pending; the first row stands for all, with the greatest counts. */
const waiting = (names: Names): string => `waiting AS (
  SELECT s.step_id AS its_step, MIN(s.row_id) AS first_id, MIN_BY(s.version, s.row_id) AS seen, MIN_BY(${typeOf('s')}, s.row_id) AS its_type,
    MAX(s.priority) AS prio, MAX(s.run_at) AS due_ts, MAX(s.crashes) AS struck,
    MIN_BY(s.created_ts, s.row_id) AS made_ts, MIN_BY(COALESCE(s.submit_index, 0), s.row_id) AS made_at,
    MAX(s.retry_count) - MIN_BY(s.retry_count, s.row_id) AS burn, MAX(s.crashes) - MIN_BY(s.crashes, s.row_id) AS crash
  FROM ${names.stepTracker} s WHERE ${understood('s')} GROUP BY s.step_id HAVING MIN(s.status) = 'pending' AND MAX(s.status) = 'pending'
)`;

export function exchangeStatements(names: Names): ExchangeStatements {
  const source = sourceOf(names);
  return {
    source,
    exchange: `UPDATE ${names.stepTracker} t
${effect((column, becomes) => `IFF(t.row_id = n.its_row, ${becomes}, t.${column})`)}
FROM (
${source}
) n
WHERE t.step_id = n.its_step AND (t.row_id <> n.its_row
  OR t.version = n.seen AND t.status = IFF(n.guard IS NULL, 'pending', 'claimed') AND (n.guard IS NULL OR t.claim_token = n.guard))`,
    settle: `UPDATE ${names.stepTracker} t
${effect((_, becomes) => becomes)}
FROM (
  SELECT ${settlement('f.value')}, q.b:incarnation::VARCHAR AS settler, NULL AS its_token, NULL AS its_pod, NULL AS its_incarnation
  FROM (SELECT PARSE_JSON(?) AS b) q, LATERAL FLATTEN(INPUT => q.b:settlements) f
  QUALIFY ROW_NUMBER() OVER (PARTITION BY f.value:id::VARCHAR ORDER BY f.index) = 1
) n
WHERE t.step_id = n.its_step AND t.claim_token = n.guard AND t.version = n.seen AND t.status = 'claimed' AND n.becomes IN ${SETTLES}`,
    look: lookOf(names),
    receipts: receiptsOf(names.stepTracker),
    archivedReceipts: receiptsOf(names.stepArchive),
  };
}

function receiptsOf(table: string): string {
  return `WITH q AS (
  SELECT b, b:incarnation::VARCHAR AS me FROM (SELECT PARSE_JSON(?) AS b)
), ${receipt(table)}
SELECT its_step AS id, guard, seen, state FROM receipt`;
}

/**
 * Candidates are, of each type, the first Σ limits with fewer than two crashes, and the first Σ quarantine with more. They
 * are ranked together and handed out cumulatively: the free slots of all before the prefetch of any, of which each has an
 * equal share at most (`free_to` and `ahead_to` are the last ranks of a request's part), to the widest requests first. A pair that its request may not
 * take is left for the next UPDATE.
 *
 * `skip` passes over the first candidates, as long as enough are left for every seat. A pod binds it where other pods have
 * taken, unseen, what stands first. Each type has so many candidates more, so that its limit can be met behind them too.
 */
function sourceOf(names: Names): string {
  return `WITH q AS (
  SELECT b, ${within(`COALESCE(${number('b:skip')}, 0)`, MOST)} AS skipped FROM (SELECT PARSE_JSON(?) AS b)
), asked AS (
  SELECT q.b:own:token::VARCHAR AS token, q.b:own:pod::VARCHAR AS pod_id, q.b:own:incarnation::VARCHAR AS incarnation, ${number('q.b:own:seq')} AS seq,
    q.b:own:group::VARCHAR AS group_id, ${number('q.b:own:free')} AS free, ${number('q.b:own:prefetch')} AS prefetch, ${number('q.b:own:quarantine')} AS quarantine,
    q.b:own:limits AS limits, q.b:own:settlements AS settlements, SYSDATE() AS asked_ts
  FROM q WHERE q.b:own:token IS NOT NULL
  UNION ALL
  SELECT r.token, r.pod_id, r.incarnation, r.seq, r.group_id, r.free, r.prefetch, r.quarantine, r.limits, r.settlements, r.asked_ts
  FROM ${names.exchangeRequest} r CROSS JOIN q WHERE r.asked_ts > ${ago('q.b:windowMs::NUMBER(38,0)')}
), request AS (
  SELECT a.token AS its_token, a.pod_id AS its_pod, a.incarnation AS its_incarnation, a.group_id AS its_group, a.asked_ts AS since_ts,
    ${within('a.free', MOST)} AS slots, ${within('a.prefetch', MOST)} AS ahead, IFF(a.quarantine = 1, 1, 0) AS isolates,
    ${array('a.limits')} AS its_limits, ${array('a.settlements')} AS its_settlements
  FROM asked a QUALIFY ROW_NUMBER() OVER (PARTITION BY a.incarnation ORDER BY a.seq DESC) = 1
), stated AS (
  SELECT r.its_incarnation AS settler, ${settlement('f.value')}
  FROM request r, LATERAL FLATTEN(INPUT => r.its_settlements) f
), settled AS (
  SELECT o.*, s.row_id AS its_row FROM stated o JOIN ${names.stepTracker} s ON s.step_id = o.its_step AND s.claim_token = o.guard AND s.version = o.seen
  WHERE s.status = 'claimed' AND ${understood('s')} AND o.becomes IN ${SETTLES}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY o.its_step ORDER BY s.row_id, o.settler) = 1
), served AS (
  SELECT claim_token AS used FROM ${names.stepTracker} WHERE claim_token IS NOT NULL
  UNION
  SELECT settled_token FROM ${names.stepTracker} WHERE settled_token IS NOT NULL
), ended AS (
  SELECT DISTINCT incarnation AS gone FROM ${names.podLog} WHERE event IN ('left', 'evicted')
), demand AS (
  SELECT r.*, ARRAY_SIZE(r.its_limits) + r.isolates AS breadth
  FROM request r CROSS JOIN q LEFT JOIN served v ON v.used = r.its_token LEFT JOIN ended e ON e.gone = r.its_incarnation
  WHERE v.used IS NULL AND e.gone IS NULL AND r.its_group = q.b:group::VARCHAR
), allowed AS (
  SELECT d.its_token, MAX(d.isolates) AS isolates, f.value:type::VARCHAR AS open_type, MAX(${within(number('f.value:most'), MOST)}) AS at_most
  FROM demand d, LATERAL FLATTEN(INPUT => d.its_limits) f GROUP BY d.its_token, f.value:type::VARCHAR
), room AS (
  SELECT a.open_type, SUM(a.at_most) + IFF(SUM(a.at_most) > 0, MAX(q.skipped), 0) AS most, SUM(IFF(a.at_most > 0, a.isolates, 0)) AS few
  FROM allowed a CROSS JOIN q GROUP BY a.open_type
), ${waiting(names)}, due AS (
  SELECT w.* FROM waiting w JOIN room y ON y.open_type = w.its_type WHERE w.due_ts <= SYSDATE()
  QUALIFY ROW_NUMBER() OVER (PARTITION BY w.its_type, w.struck > 1 ORDER BY ${rank('w')}) <= IFF(w.struck > 1, y.few, y.most)
), passing AS (
  SELECT c.due_count, LEAST(q.skipped, GREATEST(c.due_count - w.seats, 0)) AS passed
  FROM q CROSS JOIN (SELECT COUNT(*) AS due_count FROM due) c CROSS JOIN (SELECT COALESCE(SUM(slots + ahead), 0) AS seats FROM demand) w
), ranked AS (
  SELECT d.*, ROW_NUMBER() OVER (ORDER BY ${rank('d')}) - p.passed AS rank_no FROM due d CROSS JOIN passing p
), fair AS (
  SELECT d.its_token, d.its_pod, d.its_incarnation, d.isolates, d.since_ts, d.breadth, d.slots,
    LEAST(d.ahead, CEIL(GREATEST(p.due_count - p.passed - SUM(d.slots) OVER (), 0) / COUNT(*) OVER ())) AS ahead
  FROM demand d CROSS JOIN passing p
), wanting AS (
  SELECT d.*, SUM(d.slots) OVER (ORDER BY d.breadth DESC, d.since_ts, d.its_token ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS free_to,
    SUM(d.slots) OVER () + SUM(d.ahead) OVER (ORDER BY d.breadth DESC, d.since_ts, d.its_token ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS ahead_to
  FROM fair d
), pair AS (
  SELECT k.its_step, k.first_id, k.seen, k.burn, k.crash, w.its_pod, w.its_incarnation, w.its_token
  FROM ranked k JOIN wanting w ON (k.rank_no > w.free_to - w.slots AND k.rank_no <= w.free_to AND (k.struck < 2 OR w.isolates = 1))
    OR (k.rank_no > w.ahead_to - w.ahead AND k.rank_no <= w.ahead_to AND k.struck = 0)
  JOIN allowed a ON a.its_token = w.its_token AND a.open_type = k.its_type
  QUALIFY ROW_NUMBER() OVER (PARTITION BY w.its_token, k.its_type ORDER BY k.rank_no) <= a.at_most
    AND ROW_NUMBER() OVER (PARTITION BY k.its_step ORDER BY w.its_token) = 1
    AND (k.struck < 2 OR ROW_NUMBER() OVER (PARTITION BY w.its_token, k.struck > 1 ORDER BY k.rank_no) = 1)
)
SELECT its_step, its_row, seen, guard, becomes, NULL AS its_pod, NULL AS its_incarnation, NULL AS its_token, burn, crash, delay_ms, its_result, its_error, settler FROM settled
UNION ALL
SELECT its_step, first_id, seen, NULL, 'claimed', its_pod, its_incarnation, its_token, burn, crash, NULL, NULL, NULL, NULL FROM pair`;
}

/**
 * What became of settlements { id, token, version }: claimed (still), mine, cancelled, lost, late or absent. `late`: a row
 * of the step has not come as far as the claim itself, so it was read late, or is another row of the step.
 */
const receipt = (table: string): string => `receipt AS (
  SELECT m.its_step, m.guard, m.seen, CASE WHEN COUNT(s.step_id) = 0 THEN 'absent'
    WHEN MAX(IFF(s.status = 'claimed' AND s.claim_token = m.guard AND s.version = m.seen, 1, 0)) = 1 THEN 'claimed'
    WHEN MAX(IFF(s.settled_token = m.guard AND s.settled_version = m.seen AND s.settled_by = m.me, 1, 0)) = 1 THEN 'mine'
    WHEN MAX(IFF(s.settled_token = m.guard AND s.settled_version = m.seen AND s.status = 'cancelled', 1, 0)) = 1 THEN 'cancelled'
    WHEN MIN(s.version) > m.seen THEN 'lost' ELSE 'late' END AS state
  FROM (SELECT DISTINCT q.me, f.value:id::VARCHAR AS its_step, f.value:token::VARCHAR AS guard, f.value:version::NUMBER(38,0) AS seen
    FROM q, LATERAL FLATTEN(INPUT => q.b:mine) f) m
  LEFT JOIN ${table} s ON s.step_id = m.its_step
  GROUP BY m.its_step, m.guard, m.seen
)`;

/** A claim whose row is not the first of its step, or not the only one that is taken, is void: it is given back, never run. */
function lookOf(names: Names): string {
  return `WITH q AS (
  SELECT b, b:incarnation::VARCHAR AS me, b:token::VARCHAR AS my_token, b:bears::NUMBER(38,0) AS bears FROM (SELECT PARSE_JSON(?) AS b)
), ${receipt(names.stepTracker)}, wanted AS (
  SELECT DISTINCT f.value::VARCHAR AS open_type FROM q, LATERAL FLATTEN(INPUT => q.b:types) f
), ${waiting(names)}, work AS (
  SELECT COUNT(IFF(w.due_ts <= SYSDATE() AND w.struck <= q.bears, 1, NULL)) AS due_count,
    MIN(IFF(w.due_ts > SYSDATE(), DATEDIFF(millisecond, SYSDATE(), w.due_ts), NULL)) AS next_ms
  FROM waiting w JOIN wanted y ON y.open_type = w.its_type CROSS JOIN q
), claim AS (
  SELECT s.step_id AS its_step, s.version AS seen, IFF(s.row_id = d.first_id AND d.taken = 1, 'first', 'void') AS state,
    ROW_NUMBER() OVER (ORDER BY s.priority DESC, s.run_at, s.created_ts, COALESCE(s.submit_index, 0), s.step_id) AS rank_no, ${claimColumns('s')}
  FROM ${names.stepTracker} s JOIN q ON s.claim_token = q.my_token AND s.claimed_incarnation = q.me
  JOIN (${firstRows(names)}) d ON d.its_step = s.step_id
  WHERE s.status = 'claimed'
)
SELECT 'claim' AS kind, its_step AS id, NULL AS guard, seen, state, rank_no, its_type, its_payload, its_priority, retries, most_retries, struck, run_at_ms, created_at_ms FROM claim
UNION ALL
SELECT 'receipt', its_step, guard, seen, state, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM receipt
UNION ALL
SELECT 'work', NULL, NULL, due_count, NULL, next_ms, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM work`;
}
