/**
 * The statements of an exchange: the UPDATE that applies settlements and hands out due steps, and the reads that say what
 * became of it. Their parts are in the folder `statements`.
 *
 * Invariants:
 * - A pod's own request travels in the bind. Requests that other pods have logged are served beside it. Only the newest
 *   request of an incarnation counts, and it counts as served once any row carries its token.
 * - What the UPDATE reads may be late. What it writes is not: its guards stand on the target row. It writes every row of the
 *   steps in its source: one row of each anew if its guard holds, all others unchanged. So a session that sees a claim, by its own UPDATE
 *   or by another session's, sees every other row of the step as it was then, or later.
 * - A claim is void if another row of its step was claimed or had ended by then, or sorts before it. So two rows of one step
 *   are never held at once.
 * - A row keeps what settled it, also after others have settled it again. So a receipt may be read late.
 * - Invalid data of one pod fails no statement of another.
 */
import type { STEP_TRACKER } from '../columns.js';
import { REMEMBER_LAST } from '../statements/earlier-settlements.js';
import type { Names } from '../table-names.js';
import { askOf } from './statements/ask.js';
import { lookOf } from './statements/look.js';
import { receiptsOf } from './statements/receipts.js';
import { SETTLES, settlement } from './statements/settlement-columns.js';
import { sourceOf } from './statements/update-source.js';

export interface ExchangeStatements {
  /** What `exchange` reads: one row for each step that it will change. Same bind. Sent only as a part of `exchange`. */
  readonly source: string;
  /** Bind: { own: request | null, windowMs, group, skip? }. */
  readonly exchange: string;
  /** Settlements alone: recovery's, and a pod's own that do not travel with `exchange`. Bind: { incarnation, settlements }. */
  readonly settle: string;
  /** Logs a request, for this pod or another to serve. Bind: the request. */
  readonly ask: string;
  /**
   * Bind: { incarnation, tokens, token?, group, windowMs, types, mostCrashes, overdueMs, mine }. Answers rows of kind claim,
   * receipt and fact.
   */
  readonly look: string;
  /** Bind: { incarnation, mine }. */
  readonly receipts: string;
  /** The same for steps that only the archive has. */
  readonly archivedReceipts: string;
}

/**
 * The columns of a row `t` after a claim or a settlement `n`. A claim keeps what the last attempt left (`result`, `error`,
 * `settled_*`), so that a lost receipt can still be read.
 */
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
  earlier_settlements: `IFF(n.becomes = 'claimed', t.earlier_settlements, ${REMEMBER_LAST})`,
};
const effect = (of: (column: string, becomes: string) => string): string =>
  `SET ${Object.entries(EFFECT)
    .map(([column, becomes]) => `${column} = ${of(column, becomes)}`)
    .join(',\n  ')}`;

export function exchangeStatements(names: Names): ExchangeStatements {
  const source = sourceOf(names);
  return {
    source,
    exchange: updateOf(names, source),
    settle: settleOf(names),
    ask: askOf(names),
    look: lookOf(names),
    receipts: receiptsOf(names.stepTracker),
    archivedReceipts: receiptsOf(names.stepArchive),
  };
}

/**
 * Whether `t` is the row that its source means, and stands as the source has read it. The source may be late, so this decides:
 * `version` and `status` for a claim, and `claim_token` as well for a settlement.
 */
const MEANT = `t.row_id = n.its_row AND t.version = n.seen AND t.status = IFF(n.guard IS NULL, 'pending', 'claimed') AND (n.guard IS NULL OR t.claim_token = n.guard)`;

/**
 * The UPDATE of an exchange. Every row of a step of the source is written: the row that is meant anew, all others unchanged.
 *
 * A row that its guard refuses is written, too. If it were left out, the session would see the other rows of the step as they are,
 * and this one as it was: a claim of another row would not show that this one is held.
 */
const updateOf = (names: Names, source: string): string => `UPDATE ${names.stepTracker} t
${effect((column, becomes) => `IFF(${MEANT}, ${becomes}, t.${column})`)}
FROM (
${source}
) n
WHERE t.step_id = n.its_step`;

/**
 * Settlements alone. It reads nothing but its bind, so nothing in it can be late: where a late read has hidden a claim from
 * the exchange, this UPDATE still settles it. A step that the bind names twice is settled by its first entry.
 */
const settleOf = (names: Names): string => `UPDATE ${names.stepTracker} t
${effect((_, becomes) => becomes)}
FROM (
  SELECT ${settlement('f.value')}, q.b:incarnation::VARCHAR AS settler, NULL AS its_token, NULL AS its_pod, NULL AS its_incarnation
  FROM (SELECT PARSE_JSON(?) AS b) q, LATERAL FLATTEN(INPUT => q.b:settlements) f
  QUALIFY ROW_NUMBER() OVER (PARTITION BY f.value:id::VARCHAR ORDER BY f.index) = 1
) n
WHERE t.step_id = n.its_step AND t.claim_token = n.guard AND t.version = n.seen AND t.status = 'claimed' AND n.becomes IN ${SETTLES}`;
