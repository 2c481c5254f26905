/**
 * The statements of the fleet: they append signs of life to a log, and read the state of incarnations from it.
 *
 * Invariants:
 * - Rows of other sessions may be read late. That a holder is unknown or asleep rests on the absence of a sign, so its claims must
 *   be old enough before they count as orphans. A sign that is present is believed at once.
 * - A claim is held only if its row is the first of its step. Any other claim is void.
 */
import type { Names } from '../table-names.js';
import { ago, claimColumns, count, epochMs, firstRows, life, LIVING, understood } from '../statements/fragments.js';

export interface PodStatements {
  /** Bind: { pod, incarnation, event: registered | heartbeat | asleep | left, seq, heartbeatMs?, deadAfterMs?, eligible?, meta? }. */
  readonly sign: string;
  /** Every incarnation that is not final, with the values of its newest sign and its registration. No bind. */
  readonly fleet: string;
  /**
   * The same, with the claims of one incarnation (held and void), the oldest version allowed, and the server's clock.
   * Bind: { incarnation }.
   */
  readonly view: string;
  /** Evicts those of the given incarnations that are silent now. Bind: { incarnations }. */
  readonly evict: string;
  /** Those of the given incarnations that have been evicted. Bind: { incarnations }. */
  readonly evicted: string;
  /**
   * Claims of holders that are gone, the longest held first. If the holder is unknown or asleep, the claim must be older than
   * `unseenMs`, because the holder may have registered or woken up just before it. Bind: { unseenMs }.
   */
  readonly orphans: (limit: number) => string;
}

const pod = `its_pod AS pod_name, incarnation AS its_incarnation, DATEDIFF(millisecond, birth_ts, SYSDATE()) AS age_ms,
  DATEDIFF(millisecond, heard_ts, SYSDATE()) AS silent_ms, beat AS newest_beat, its_heartbeat_ms AS beats_every_ms, its_dead_after_ms AS dead_ms,
  is_eligible AS may_lead, IFF(newest_event = 'asleep', 1, 0) AS sleeps, its_meta AS says, first_meta AS said_first`;

const listed = `SELECT DISTINCT f.value::VARCHAR AS wanted_one FROM (SELECT PARSE_JSON(?) AS b) q, LATERAL FLATTEN(INPUT => q.b:incarnations) f`;

export function podStatements(names: Names): PodStatements {
  return {
    sign: `INSERT INTO ${names.podLog} (pod_id, incarnation, event, seq, at_ts, heartbeat_ms, dead_after_ms, eligible, meta_text)
SELECT b:pod::VARCHAR, b:incarnation::VARCHAR, b:event::VARCHAR, b:seq::NUMBER(38,0), SYSDATE(), b:heartbeatMs::NUMBER(38,0), b:deadAfterMs::NUMBER(38,0),
  b:eligible::NUMBER(38,0), b:meta::VARCHAR
FROM (SELECT PARSE_JSON(?) AS b)`,
    fleet: `WITH ${life(names)}
SELECT ${pod}
FROM life WHERE ${LIVING}
ORDER BY birth_ts, incarnation`,
    view: `WITH q AS (
  SELECT b:incarnation::VARCHAR AS me FROM (SELECT PARSE_JSON(?) AS b)
), ${life(names)}, living AS (
  SELECT ${pod} FROM life WHERE ${LIVING}
)
SELECT 'pod' AS kind, pod_name, its_incarnation, age_ms, silent_ms, newest_beat, beats_every_ms, dead_ms, may_lead, sleeps, says, said_first, NULL AS id, NULL AS guard, NULL AS seen FROM living
UNION ALL
SELECT IFF(s.row_id = d.first_id, 'held', 'void'), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, s.step_id, s.claim_token, s.version
FROM ${names.stepTracker} s JOIN q ON s.claimed_incarnation = q.me JOIN (${firstRows(names)}) d ON d.its_step = s.step_id
WHERE s.status = 'claimed' AND ${understood('s')}
UNION ALL
SELECT 'schema', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, MAX(i.oldest_allowed) FROM ${names.schemaInfo} i
UNION ALL
SELECT 'clock', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ${epochMs('SYSDATE()')}`,
    evict: `INSERT INTO ${names.podLog} (pod_id, incarnation, event, at_ts)
WITH ${life(names)}, suspect AS (
  ${listed}
)
SELECT l.its_pod, l.incarnation, 'evicted', SYSDATE() FROM life l JOIN suspect d ON d.wanted_one = l.incarnation
WHERE ${LIVING} AND newest_event <> 'asleep' AND DATEDIFF(millisecond, heard_ts, SYSDATE()) > its_dead_after_ms`,
    evicted: `WITH suspect AS (
  ${listed}
)
SELECT DISTINCT p.pod_id AS pod_name, p.incarnation AS its_incarnation FROM ${names.podLog} p JOIN suspect d ON d.wanted_one = p.incarnation
WHERE p.event = 'evicted'`,
    orphans: (limit) => `WITH q AS (
  SELECT ${ago('b:unseenMs::NUMBER(38,0)')} AS seen_by FROM (SELECT PARSE_JSON(?) AS b)
), ${life(names)}
SELECT s.step_id AS id, s.claim_token AS guard, s.version AS seen, s.claimed_by AS holder_pod, s.claimed_incarnation AS holder, ${claimColumns('s')},
  CASE WHEN l.was_evicted = 1 THEN 'evicted' WHEN l.has_left = 1 THEN 'left' WHEN l.birth_ts IS NOT NULL AND l.newest_event = 'asleep' THEN 'asleep' ELSE 'unknown' END AS state
FROM ${names.stepTracker} s CROSS JOIN q LEFT JOIN life l ON l.incarnation = s.claimed_incarnation
WHERE s.status = 'claimed' AND ${understood('s')} AND (l.was_evicted = 1 OR l.has_left = 1
  OR (l.birth_ts IS NULL OR l.newest_event = 'asleep') AND (s.claimed_ts IS NULL OR s.claimed_ts < q.seen_by))
ORDER BY s.claimed_ts, s.row_id
LIMIT ${count(limit)}`,
  };
}
