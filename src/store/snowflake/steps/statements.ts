/** The statements that submit, read, cancel and retry steps. */
import type { ListFilter } from '../../contract.js';
import { STEP_COLUMNS, type STEP_TRACKER } from '../columns.js';
import { REMEMBER_LAST } from '../statements/earlier-settlements.js';
import type { Names } from '../table-names.js';
import {
  columnsOf,
  count,
  epochMs,
  furthest,
  instantOf,
  isBeyond,
  newest,
  newRowId,
  placeOf,
  recordColumns,
  typeOf,
} from '../statements/fragments.js';

export interface StepStatements {
  /** Bind: { token, steps: [{ id, type, payload, priority, maxRetries, delayMs, runAtMs? }] }. */
  readonly submit: string;
  /** What became of a submission. Bind: { token, steps: [{ id, payload, without its carrier }] }. Answers one row for each place (`at`) in it. */
  readonly submitted: string;
  /** Bind: ids. */
  readonly find: string;
  /**
   * What cancel and retry need to know of each step: all its rows, each with its place among them. The first is the one that readers
   * show. Bind: ids.
   */
  readonly states: string;
  /** Those of the given steps that were cancelled. Bind: ids. */
  readonly cancelled: string;
  /** Bind: { statuses?, types?, claimedBy?, createdFrom?, createdBefore?, afterMs?, afterId? }. */
  readonly list: (order: ListFilter['order'], limit: number) => string;
  /** No bind. */
  readonly stats: string;
  /** Writes all rows of the steps, so the session then sees each of them as it was, or later. Bind: { token, steps: [{ id, version }] }. */
  readonly cancel: string;
  /** Without `each`, it leaves out steps with several rows. Bind: { each?: 1, steps: [{ id, version }] }. */
  readonly retry: string;
  /** Steps that only the archive has. Bind: { steps: [{ id, version }] }. */
  readonly restore: string;
  /** Writes all rows of the given steps unchanged. The session then sees them as they are. Bind: ids. */
  readonly refresh: string;
}

export function stepStatements(names: Names): StepStatements {
  return {
    submit: submitOf(names),
    submitted: submittedOf(names),
    find: findOf(names),
    states: statesOf(names),
    cancelled: cancelledOf(names),
    list: (order, limit) => listOf(names, order, limit),
    stats: statsOf(names),
    ...cancelAndRetry(names),
    // A row's id never changes, so this cannot undo a change of another session.
    refresh: `UPDATE ${names.stepTracker} t
SET row_id = t.row_id
FROM (
  SELECT DISTINCT f.value::VARCHAR AS id FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f
) n
WHERE t.step_id = n.id`,
  };
}

/**
 * Inserts the steps that neither table has. An id is free again only when its step has been pruned from the archive, too.
 *
 * - `q`: the bind, parsed once, with one instant for all rows.
 * - `batch`: the steps of the bind. If the bind names an id twice, the first one counts, so one submission makes no duplicate.
 * - `known`: the ids that are taken. The archive is joined, because it is large; the hot table is small.
 */
function submitOf(names: Names): string {
  return `INSERT INTO ${names.stepTracker} (row_id, step_id, status, payload, payload_text, priority, max_retries, step_type, run_at, far_run_at,
  created_ts, last_update_ts, submit_token, submit_index)
WITH q AS (
  SELECT b, b:token::VARCHAR AS my_token, SYSDATE() AS now_ts FROM (SELECT PARSE_JSON(?) AS b)
), batch AS (
  SELECT q.my_token, q.now_ts, f.index AS its_at, f.value:id::VARCHAR AS id, f.value:type::VARCHAR AS its_type, f.value:payload::VARCHAR AS its_payload,
    f.value:priority::NUMBER(38,0) AS prio, f.value:maxRetries::NUMBER(38,0) AS tries, f.value:delayMs::NUMBER(38,0) AS delay_ms, f.value:runAtMs::NUMBER(38,0) AS at_ms
  FROM q, LATERAL FLATTEN(INPUT => q.b:steps) f
  QUALIFY ROW_NUMBER() OVER (PARTITION BY f.value:id::VARCHAR ORDER BY f.index) = 1
), known AS (
  SELECT s.step_id AS id FROM ${names.stepTracker} s
  UNION
  SELECT a.step_id FROM ${names.stepArchive} a JOIN batch o ON o.id = a.step_id
)
SELECT ${newRowId('o.now_ts')}, o.id, 'pending', COALESCE(TRY_PARSE_JSON(o.its_payload), OBJECT_CONSTRUCT('type', o.its_type)), o.its_payload, o.prio, o.tries, o.its_type,
  IFF(o.at_ms IS NULL, DATEADD(millisecond, o.delay_ms, o.now_ts), ${instantOf('o.at_ms')}), IFF(${isBeyond('o.at_ms')}, o.at_ms, NULL),
  o.now_ts, o.now_ts, o.my_token, o.its_at
FROM batch o LEFT JOIN known k ON k.id = o.id
WHERE k.id IS NULL`;
}

/**
 * Answers, for each place in the submission: `made`, whether this submission inserted the row; `same`, whether the stored payload
 * is the submitted one but for its carrier; `found`, whether a row was found at all.
 *
 * - `batch`: the steps of the bind, duplicates included.
 * - `kept`: the rows of these steps in both tables, hot and cold.
 * - `first`: one row for each step. The hot row wins, and of several the first: that is the one that will be claimed.
 */
function submittedOf(names: Names): string {
  return `WITH q AS (
  SELECT b, b:token::VARCHAR AS my_token FROM (SELECT PARSE_JSON(?) AS b)
), batch AS (
  SELECT q.my_token, f.index AS its_at, f.value:id::VARCHAR AS id, f.value:payload::VARCHAR AS its_payload FROM q, LATERAL FLATTEN(INPUT => q.b:steps) f
), kept AS (
  SELECT s.step_id AS id, s.submit_token AS its_token, COALESCE(s.payload_text, TO_JSON(s.payload)) AS its_payload, 0 AS is_cold, s.row_id AS its_row
  FROM ${names.stepTracker} s JOIN (SELECT DISTINCT id FROM batch) o ON o.id = s.step_id
  UNION ALL
  SELECT a.step_id, a.submit_token, COALESCE(a.payload_text, TO_JSON(a.payload)), 1, a.row_id
  FROM ${names.stepArchive} a JOIN (SELECT DISTINCT id FROM batch) o ON o.id = a.step_id
), first AS (
  SELECT * FROM kept QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY is_cold, its_row) = 1
)
SELECT o.its_at AS at, MAX(IFF(k.its_token = o.my_token, 1, 0)) AS made, MAX(IFF(${isSamePayload('k', 'o')}, 1, 0)) AS same, COUNT(k.id) AS found
FROM batch o LEFT JOIN first k ON k.id = o.id
GROUP BY o.its_at`;
}

/**
 * Whether the payload of row `kept` is that of `given`, which has no carrier. A carrier is the last key of a payload, and it is
 * the only key that can follow a whole one.
 */
const isSamePayload = (kept: string, given: string): string =>
  `${kept}.its_payload = ${given}.its_payload OR STARTSWITH(${kept}.its_payload, LEFT(${given}.its_payload, LENGTH(${given}.its_payload) - 1) || ',"trace":{')`;

/** The steps of the bind that the hot table lacks, from the archive. Two leaders may have archived a step twice, so one row is taken. */
const coldOf = (names: Names): string => `cold AS (
  SELECT a.* FROM ${names.stepArchive} a JOIN wanted w ON w.id = a.step_id LEFT JOIN hot h ON h.step_id = a.step_id WHERE h.step_id IS NULL
  QUALIFY ${newest('a')}
)`;

/**
 * One row for each step: from the hot table, else from the archive.
 *
 * - `wanted`: the ids of the bind.
 * - `hot`: of several rows of a step, the one furthest along.
 */
function findOf(names: Names): string {
  return `WITH wanted AS (
  SELECT DISTINCT f.value::VARCHAR AS id FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f
), hot AS (
  SELECT s.* FROM ${names.stepTracker} s JOIN wanted w ON w.id = s.step_id
  QUALIFY ${furthest('s')}
), ${coldOf(names)}
SELECT ${recordColumns('hot')}, 0 AS is_cold FROM hot
UNION ALL
SELECT ${recordColumns('cold')}, 1 FROM cold`;
}

/** Every row of the hot table, or one row of the archive. */
function statesOf(names: Names): string {
  const columns = (row: string): string =>
    `${row}.step_id AS id, ${row}.status AS its_status, ${row}.version AS its_version, ${row}.settled_by AS settler`;
  return `WITH wanted AS (
  SELECT DISTINCT f.value::VARCHAR AS id FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f
), hot AS (
  SELECT s.*, ${placeOf('s')} AS its_place FROM ${names.stepTracker} s JOIN wanted w ON w.id = s.step_id
), ${coldOf(names)}
SELECT ${columns('hot')}, hot.its_place, 0 AS is_cold FROM hot
UNION ALL
SELECT ${columns('cold')}, 1, 1 FROM cold`;
}

/** The hot table alone: a cancelled step stays there for longer than its holder needs to notice. */
function cancelledOf(names: Names): string {
  return `WITH wanted AS (
  SELECT DISTINCT f.value::VARCHAR AS id FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f
), hot AS (
  SELECT s.step_id, s.status, s.last_update_ts FROM ${names.stepTracker} s JOIN wanted w ON w.id = s.step_id
  QUALIFY ${furthest('s')}
)
SELECT step_id AS id, DATEDIFF(millisecond, last_update_ts, SYSDATE()) AS ago_ms FROM hot WHERE status = 'cancelled'`;
}

/** Three CTEs: every step once, from the hot table or the archive. `hot` and `cold` are as in {@link findOf}. */
const everyStep = (names: Names): string => `hot AS (
  SELECT s.* FROM ${names.stepTracker} s QUALIFY ${furthest('s')}
), cold AS (
  SELECT a.* FROM ${names.stepArchive} a LEFT JOIN hot h ON h.step_id = a.step_id WHERE h.step_id IS NULL
  QUALIFY ${newest('a')}
), every AS (
  SELECT ${columnsOf('hot')} FROM hot
  UNION ALL
  SELECT ${columnsOf('cold')} FROM cold
)`;

/**
 * A page by keyset: the instant of creation in ms, then the id.
 *
 * - `wanted_status`, `wanted_type`: the filters as rows. A filter that is missing in the bind lets everything pass.
 * - `every`: every step once, so that a page shows no step twice.
 */
function listOf(names: Names, order: ListFilter['order'], limit: number): string {
  const [direction, beyond] = order === 'oldest' ? ['ASC', '>'] : ['DESC', '<'];
  const created = epochMs('s.created_ts');
  const set = (list: string): string =>
    `SELECT DISTINCT f.value::VARCHAR AS one FROM q, LATERAL FLATTEN(INPUT => q.b:${list}) f`;
  return `WITH q AS (
  SELECT b, b:afterMs::NUMBER(38,0) AS after_ms, b:afterId::VARCHAR AS after_id, b:claimedBy::VARCHAR AS wanted_pod,
    b:createdFrom::NUMBER(38,0) AS from_ms, b:createdBefore::NUMBER(38,0) AS before_ms FROM (SELECT PARSE_JSON(?) AS b)
), wanted_status AS (
  ${set('statuses')}
), wanted_type AS (
  ${set('types')}
), ${everyStep(names)}
SELECT ${recordColumns('s')}
FROM every s CROSS JOIN q LEFT JOIN wanted_status w ON w.one = s.status LEFT JOIN wanted_type y ON y.one = ${typeOf('s')}
WHERE (q.b:statuses IS NULL OR w.one IS NOT NULL) AND (q.b:types IS NULL OR y.one IS NOT NULL) AND (q.wanted_pod IS NULL OR s.claimed_by = q.wanted_pod)
  AND (q.from_ms IS NULL OR ${created} >= q.from_ms) AND (q.before_ms IS NULL OR ${created} < q.before_ms)
  AND (q.after_id IS NULL OR ${created} ${beyond} q.after_ms OR (${created} = q.after_ms AND s.step_id ${beyond} q.after_id))
ORDER BY ${created} ${direction}, s.step_id ${direction}
LIMIT ${count(limit)}`;
}

function statsOf(names: Names): string {
  return `WITH ${everyStep(names)}
SELECT COALESCE(${typeOf('s')}, '') AS its_type, s.status AS its_status, IFF(s.status = 'pending', s.priority, 0) AS its_priority, COUNT(*) AS steps,
  COUNT(IFF(s.status = 'pending' AND s.run_at <= SYSDATE(), 1, NULL)) AS due_count,
  MAX(IFF(s.status = 'pending' AND s.run_at <= SYSDATE(), DATEDIFF(millisecond, s.run_at, SYSDATE()), NULL)) AS oldest_due_ms
FROM every s
GROUP BY 1, 2, 3`;
}

const atVersion = (
  extra: string,
): string => `SELECT ${extra}f.value:id::VARCHAR AS id, f.value:version::NUMBER(38,0) AS seen
  FROM (SELECT PARSE_JSON(?) AS b) q, LATERAL FLATTEN(INPUT => q.b:steps) f QUALIFY ROW_NUMBER() OVER (PARTITION BY f.value:id::VARCHAR ORDER BY f.index) = 1`;

/** Whether the cancel ends the row `t`. All other rows of the step are written unchanged. */
const TO_CANCEL = `t.version = n.seen AND t.status IN ('pending', 'claimed')`;

/**
 * A cancel writes all rows of a step, so that the next read of the session shows a row that was claimed meanwhile. It also takes the
 * place of the last settlement of a pending row: the pod that made that one may not have read its receipt yet.
 *
 * A retry leaves out a step that has several rows, as far as it sees: the number of rows that it has changed is its receipt, and must
 * mean one thing.
 */
function cancelAndRetry(names: Names): Pick<StepStatements, 'cancel' | 'retry' | 'restore'> {
  const fresh: Partial<Record<keyof typeof STEP_TRACKER, string>> = {
    status: `'pending'`,
    row_id: newRowId('SYSDATE()'),
    version: 'a.version + 1',
    last_update_ts: 'SYSDATE()',
    run_at: 'SYSDATE()',
    far_run_at: 'NULL',
    retry_count: '0',
    crashes: '0',
    claim_token: 'NULL',
    claimed_by: 'NULL',
    claimed_incarnation: 'NULL',
    result: 'NULL',
    error: 'NULL',
  };
  return {
    cancel: `UPDATE ${names.stepTracker} t
SET status = IFF(${TO_CANCEL}, 'cancelled', t.status), version = IFF(${TO_CANCEL}, t.version + 1, t.version),
  last_update_ts = IFF(${TO_CANCEL}, SYSDATE(), t.last_update_ts), claim_token = IFF(${TO_CANCEL}, NULL, t.claim_token),
  settled_token = IFF(${TO_CANCEL}, COALESCE(t.claim_token, t.settled_token), t.settled_token),
  settled_version = IFF(${TO_CANCEL} AND t.claim_token IS NOT NULL, t.version, t.settled_version),
  settled_by = IFF(${TO_CANCEL}, n.canceller, t.settled_by),
  earlier_settlements = IFF(${TO_CANCEL}, ${REMEMBER_LAST}, t.earlier_settlements)
FROM (
  ${atVersion('q.b:token::VARCHAR AS canceller, ')}
) n
WHERE t.step_id = n.id`,
    retry: `UPDATE ${names.stepTracker} t
SET status = 'pending', version = t.version + 1, last_update_ts = SYSDATE(), run_at = SYSDATE(), far_run_at = NULL, retry_count = 0, crashes = 0,
  result = NULL, error = NULL, claim_token = NULL, claimed_by = NULL, claimed_incarnation = NULL
FROM (
  WITH n AS (
  ${atVersion('q.b:each::NUMBER(38,0) AS is_each, ')}
  )
  SELECT n.id, n.seen FROM n LEFT JOIN ${names.stepTracker} s ON s.step_id = n.id
  GROUP BY n.id, n.seen HAVING COUNT(s.step_id) <= 1 OR MAX(n.is_each) = 1
) n
WHERE t.step_id = n.id AND t.version = n.seen AND t.status IN ('failed', 'cancelled')`,
    restore: `INSERT INTO ${names.stepTracker} (${STEP_COLUMNS.join(', ')})
WITH n AS (
  ${atVersion('')}
), cold AS (
  SELECT a.* FROM ${names.stepArchive} a JOIN n ON n.id = a.step_id LEFT JOIN ${names.stepTracker} s ON s.step_id = a.step_id WHERE s.step_id IS NULL
  QUALIFY ${newest('a')}
)
SELECT ${STEP_COLUMNS.map((column) => fresh[column] ?? `a.${column}`).join(', ')}
FROM cold a JOIN n ON n.id = a.step_id AND n.seen = a.version
WHERE a.status IN ('failed', 'cancelled')`,
  };
}
