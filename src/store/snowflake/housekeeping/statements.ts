/**
 * The leader's housekeeping statements: ended steps are archived, archived steps leave the hot table and later the archive, and
 * the logs are kept short.
 *
 * Invariants:
 * - Large changes are made in chunks.
 * - A read may be late, so each DELETE checks on its own rows what must still hold.
 * - A step is archived by an INSERT with an anti-join on (`step_id`, `version`), then a DELETE of what is archived at that version.
 *   So two leaders at once, or a statement that lands twice, do no harm.
 * - Of an incarnation, `registered` is deleted first, in a cycle of its own: an incarnation without a registration counts as
 *   evicted, so no late row revives it.
 */
import { STEP_COLUMNS } from '../columns.js';
import type { Names } from '../table-names.js';
import { ago, byProgress, columnsOf, count, isList, understood } from '../statements/fragments.js';

export interface HousekeepingStatements {
  /** How many rows each chore would touch, and how many rows are invalid. Bind: { hotMs, keepMs, windowMs, forgetMs, asleepMs }. */
  readonly chores: string;
  /** Removes pending rows of a step that has another row, claimed or ended. Bind: { hotMs }. */
  readonly dedupe: string;
  /** Copies steps whose rows have all ended: of rows of one version, the one that readers show. Bind: { hotMs }. */
  readonly archive: (chunk: number) => string;
  /** Removes the rows that are archived at their version. Bind: { hotMs }. */
  readonly unload: string;
  /** Removes archived steps past their retention. Bind: { keepMs }. */
  readonly pruneArchive: (chunk: number) => string;
  /** Removes requests that a newer one replaces. Bind: { windowMs, forgetMs }. */
  readonly pruneRequests: string;
  /** Removes signs of life that a newer one replaces. Bind: { windowMs }. */
  readonly pruneHeartbeats: string;
  /** Removes registrations of incarnations that ended long ago and hold nothing. Bind: { forgetMs, asleepMs }. */
  readonly forgetPods: string;
  /** Removes the other rows of incarnations that have no registration and hold nothing. Bind: { forgetMs }. */
  readonly forgetUnregistered: string;
}

const TERMINAL = `('completed', 'failed', 'cancelled')`;
const q = 'q AS (\n  SELECT PARSE_JSON(?) AS b\n)';
const bound = (field: string): string => `q.b:${field}::NUMBER(38,0)`;

/**
 * Pending rows beside another row of their step that is claimed or has ended.
 *
 * Two leaders that each read late must never remove both rows of a step. So a row goes only if it was never claimed (then no other
 * row is removed because of it), or if it has been pending for longer than a read can be late.
 */
const duplicates = (
  names: Names,
): string => `SELECT p.step_id AS id, p.row_id AS its_row, p.version AS seen FROM ${names.stepTracker} p
  JOIN (SELECT DISTINCT s.step_id FROM ${names.stepTracker} s WHERE s.status IN ('claimed', 'completed', 'failed', 'cancelled')) o ON o.step_id = p.step_id
  CROSS JOIN q WHERE p.status = 'pending' AND (p.version = 0 OR p.last_update_ts < ${ago(bound('hotMs'))})`;

/** Steps of which every row has ended, long enough ago that no statement about them is still running. */
const ended = (
  names: Names,
): string => `SELECT s.step_id AS id, MAX(s.last_update_ts) AS ended_ts FROM ${names.stepTracker} s CROSS JOIN q
  GROUP BY s.step_id HAVING COUNT(IFF(s.status IN ${TERMINAL}, NULL, 1)) = 0 AND MAX(s.last_update_ts) < MAX(${ago(bound('hotMs'))})`;

/** Judged row by row: if a step has a newer row, readers show that one. */
const expired = (
  names: Names,
): string => `SELECT a.step_id AS id, a.last_update_ts AS ended_ts FROM ${names.stepArchive} a CROSS JOIN q
  WHERE a.last_update_ts < ${ago(bound('keepMs'))}`;

/**
 * Requests that a newer one of their incarnation replaces, and old ones of incarnations that the log of pods does not know any more.
 * The newest request of a pod is a sign of life, and its heartbeat may have been spared for it: its peers count from it.
 */
const oldRequests = (names: Names): string => `SELECT r.token AS id, r.seq AS its_seq, r.incarnation AS its_incarnation
  FROM ${names.exchangeRequest} r JOIN (SELECT incarnation, MAX(seq) AS newest FROM ${names.exchangeRequest} GROUP BY incarnation) g ON g.incarnation = r.incarnation
  LEFT JOIN (SELECT DISTINCT incarnation AS known FROM ${names.podLog}) k ON k.known = r.incarnation
  CROSS JOIN q WHERE (r.seq < g.newest AND r.asked_ts < ${ago(bound('windowMs'))}) OR (k.known IS NULL AND r.asked_ts < ${ago(bound('forgetMs'))})`;

/** Signs of life below the newest of their incarnation. Only these events repeat. */
const oldHeartbeats = (names: Names): string => `SELECT p.incarnation AS its_incarnation, p.seq AS its_seq
  FROM ${names.podLog} p JOIN (SELECT incarnation, MAX(seq) AS newest FROM ${names.podLog} GROUP BY incarnation) g ON g.incarnation = p.incarnation
  CROSS JOIN q WHERE p.event IN ('heartbeat', 'asleep') AND p.seq < g.newest AND p.at_ts < ${ago(bound('windowMs'))}`;

/** Incarnations that are silent for `forgetMs` and hold no claim. As long as one holds a claim, recovery needs its log. */
const forgettable = (names: Names, having: string): string => `SELECT p.incarnation AS its_incarnation
  FROM ${names.podLog} p LEFT JOIN (SELECT DISTINCT claimed_incarnation AS holder FROM ${names.stepTracker} WHERE status = 'claimed') h ON h.holder = p.incarnation
  CROSS JOIN q WHERE h.holder IS NULL
  GROUP BY p.incarnation HAVING ${having} AND MAX(p.at_ts) < MAX(${ago(bound('forgetMs'))})`;
/** It has left, was evicted, or has slept for longer than any pod does that lives. */
const FINAL = `(MAX(IFF(p.event IN ('left', 'evicted'), 1, 0)) = 1 OR MAX_BY(p.event, p.seq) = 'asleep' AND MAX(p.at_ts) < MAX(${ago(bound('asleepMs'))}))
  AND MAX(IFF(p.event = 'registered', 1, 0)) = 1`;
const UNREGISTERED = `MAX(IFF(p.event = 'registered', 1, 0)) = 0`;

export function housekeepingStatements(names: Names): HousekeepingStatements {
  return {
    chores: choresOf(names),
    dedupe: `DELETE FROM ${names.stepTracker} USING (
  WITH ${q} ${duplicates(names)}
) n
WHERE step_id = n.id AND row_id = n.its_row AND version = n.seen AND status = 'pending'`,
    archive: (chunk) => `INSERT INTO ${names.stepArchive} (${STEP_COLUMNS.join(', ')}, archived_ts)
WITH ${q}, ended AS (
  ${ended(names)}
  ORDER BY ended_ts, id LIMIT ${count(chunk)}
)
SELECT ${columnsOf('s')}, SYSDATE()
FROM ${names.stepTracker} s JOIN ended e ON e.id = s.step_id LEFT JOIN ${names.stepArchive} a ON a.step_id = s.step_id AND a.version = s.version
WHERE a.step_id IS NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY s.step_id, s.version ORDER BY ${byProgress('s')}) = 1`,
    unload: `DELETE FROM ${names.stepTracker} USING (
  SELECT DISTINCT a.step_id AS id, a.version AS seen, ${ago(bound('hotMs'))} AS before_ts FROM ${names.stepArchive} a
  JOIN ${names.stepTracker} s ON s.step_id = a.step_id AND s.version = a.version CROSS JOIN (SELECT PARSE_JSON(?) AS b) q
  WHERE s.status IN ${TERMINAL}
) n
WHERE step_id = n.id AND version = n.seen AND status IN ${TERMINAL} AND last_update_ts < n.before_ts`,
    pruneArchive: (chunk) => `DELETE FROM ${names.stepArchive} USING (
  WITH ${q}, expired AS (
  ${expired(names)}
  )
  SELECT id, ended_ts FROM expired ORDER BY ended_ts, id LIMIT ${count(chunk)}
) n
WHERE step_id = n.id AND last_update_ts <= n.ended_ts`,
    pruneRequests: `DELETE FROM ${names.exchangeRequest} USING (
  WITH ${q} ${oldRequests(names)}
) n
WHERE token = n.id AND incarnation = n.its_incarnation AND seq = n.its_seq`,
    pruneHeartbeats: `DELETE FROM ${names.podLog} USING (
  WITH ${q} ${oldHeartbeats(names)}
) n
WHERE incarnation = n.its_incarnation AND seq = n.its_seq AND event IN ('heartbeat', 'asleep')`,
    forgetPods: `DELETE FROM ${names.podLog} USING (
  WITH ${q} ${forgettable(names, FINAL)}
) n
WHERE incarnation = n.its_incarnation AND event = 'registered'`,
    forgetUnregistered: `DELETE FROM ${names.podLog} USING (
  WITH ${q} ${forgettable(names, UNREGISTERED)}
) n
WHERE incarnation = n.its_incarnation`,
  };
}

/** One SELECT counts all chores, so that no DELETE is sent that could match nothing: each DELETE locks its table. */
function choresOf(names: Names): string {
  const of = (word: string, rows: string): string => `SELECT '${word}' AS chore, COUNT(*) AS many FROM (\n  ${rows}\n)`;
  return `WITH ${q}
${[
  of('dedupe', duplicates(names)),
  of('archive', ended(names)),
  of('pruneArchive', expired(names)),
  of('pruneRequests', oldRequests(names)),
  of('pruneHeartbeats', oldHeartbeats(names)),
  of('forgetPods', forgettable(names, FINAL)),
  of('forgetUnregistered', forgettable(names, UNREGISTERED)),
  of('invalid steps', `SELECT s.step_id FROM ${names.stepTracker} s WHERE NOT ${understood('s')}`),
  of(
    'invalid requests',
    `SELECT r.token FROM ${names.exchangeRequest} r WHERE NOT (r.free >= 0 AND r.prefetch >= 0 AND r.quarantine IN (0, 1))
    OR NOT (${isList('r.limits')} AND ${isList('r.settlements')}) OR r.asked_ts > DATEADD(millisecond, 60000, SYSDATE())`,
  ),
].join('\nUNION ALL\n')}`;
}
