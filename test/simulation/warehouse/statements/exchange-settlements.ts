/** Settlements as the texts read them, and what a claim or a settlement makes of a row. */
import type { RowUpdate, StatementModel, StepRow, View } from '../tables.js';
import { clamped, compareText, elements, path, tryNumber, understood, varchar } from '../values.js';
import { rememberLast } from './earlier-settlements.js';

/** `settlement` of the texts: one settlement of a bind or of a request. */
export interface Settlement {
  readonly its_step: string | null;
  readonly guard: string | null;
  readonly seen: number | null;
  readonly becomes: string | null;
  readonly its_result: string | null;
  readonly its_error: string | null;
  readonly delay_ms: number | null;
  readonly burn: number;
  readonly crash: number;
}

/** A row of the UPDATE's source: a settlement, or a claim, which has no fence of its own. */
export interface Source extends Omit<Settlement, 'its_step' | 'becomes' | 'seen'> {
  readonly its_step: string;
  readonly its_row: string;
  readonly seen: number;
  readonly becomes: string;
  readonly its_pod: string | null;
  readonly its_incarnation: string | null;
  readonly its_token: string | null;
  readonly settler: string | null;
}

const LONGEST_DELAY_MS = 3_155_760_000_000;
const SETTLES: ReadonlySet<string | null> = new Set(['pending', 'completed', 'failed', 'cancelled']);

export function settlementOf(value: unknown): Settlement {
  const becomes = varchar(path(value, 'status'));
  const delay = becomes === 'pending' ? tryNumber(path(value, 'delayMs')) : null;
  return {
    its_step: varchar(path(value, 'id')),
    guard: varchar(path(value, 'token')),
    seen: tryNumber(path(value, 'version')),
    becomes,
    its_result: varchar(path(value, 'result')),
    its_error: varchar(path(value, 'error')),
    delay_ms: delay === null ? null : clamped(delay, LONGEST_DELAY_MS),
    burn: tryNumber(path(value, 'charge')) === 1 ? 1 : 0,
    crash: tryNumber(path(value, 'crash')) === 1 ? 1 : 0,
  };
}

/** Whether the claim that it settles stands on this row. */
export const stands = (row: StepRow, { guard, seen }: Settlement): boolean =>
  row.status === 'claimed' && guard !== null && row.claim_token === guard && row.version === seen;

/** `settled` of the texts: the settlements whose claims stand as far as this view shows, one for each step. */
export function settledIn(
  view: View,
  stated: Iterable<readonly [settler: string | null, Settlement]>,
): readonly Source[] {
  const found = new Map<string, Source>();
  for (const [settler, one] of stated) {
    if (one.its_step === null || one.becomes === null || !SETTLES.has(one.becomes)) continue;
    for (const row of view.stepsById(one.its_step)) {
      if (!stands(row, one) || !understood(row)) continue;
      const known = found.get(row.step_id);
      if (known !== undefined && !isBefore(row.row_id, settler, known)) continue;
      found.set(row.step_id, {
        ...one,
        its_step: row.step_id,
        its_row: row.row_id,
        seen: row.version,
        becomes: one.becomes,
        its_pod: null,
        its_incarnation: null,
        its_token: null,
        settler,
      });
    }
  }
  return [...found.values()];
}

const isBefore = (rowId: string, settler: string | null, known: Source): boolean =>
  (compareText(rowId, known.its_row) || compareText(settler ?? '\uffff', known.settler ?? '\uffff')) < 0;

/** `EFFECT` of the texts. */
export function changed(
  t: StepRow,
  n: Omit<Source, 'its_step' | 'its_row' | 'seen'> & { readonly seen: number | null },
  now: number,
): StepRow {
  const [isClaim, isPending] = [n.becomes === 'claimed', n.becomes === 'pending'];
  return {
    ...t,
    status: n.becomes,
    version: t.version + 1,
    last_update_ts: now,
    claim_token: n.its_token,
    claimed_by: isClaim ? n.its_pod : isPending ? null : t.claimed_by,
    claimed_incarnation: isClaim ? n.its_incarnation : isPending ? null : t.claimed_incarnation,
    claimed_ts: isClaim ? now : t.claimed_ts,
    run_at: n.delay_ms === null ? t.run_at : now + n.delay_ms,
    retry_count: t.retry_count + n.burn,
    crashes: t.crashes + n.crash,
    result: isClaim ? t.result : n.its_result,
    error: isClaim ? t.error : n.its_error,
    settled_token: n.guard ?? t.settled_token,
    settled_version: isClaim ? t.settled_version : n.seen,
    settled_by: n.settler ?? t.settled_by,
    earlier_settlements: isClaim ? t.earlier_settlements : rememberLast(t),
  };
}

/** `exchange.settle`: settlements alone, judged on the rows as they are. */
export const settle: StatementModel = (_, { bind }) => {
  const settler = varchar(path(bind, 'incarnation'));
  const named = new Set<string>();
  const update: RowUpdate[] = [];
  for (const value of elements(path(bind, 'settlements'))) {
    const one = settlementOf(value);
    const { its_step: step_id, becomes } = one;
    if (step_id === null || named.has(step_id)) continue;
    named.add(step_id);
    if (becomes === null || !SETTLES.has(becomes)) continue;
    const n = { ...one, becomes, its_pod: null, its_incarnation: null, its_token: null, settler };
    update.push({ step_id, guard: (row) => stands(row, one), change: (row, now) => changed(row, n, now) });
  }
  return { rows: [], update };
};
