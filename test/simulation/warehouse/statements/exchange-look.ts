/** `exchange.look`: a pod's claims, its receipts, where its request stands, and what there is to do. */
import type { StatementModel, StepRow, View } from '../tables.js';
import {
  askedWithin,
  claimColumns,
  compareText,
  elements,
  millisBetween,
  number,
  path,
  understood,
  varchar,
} from '../values.js';
import { placeOf } from './exchange-place.js';
import { receiptsIn } from './exchange-receipts.js';
import { requestsIn } from './exchange-requests.js';

const LOAD_WINDOW_MS = 60_000;
const LONGEST_SLOT_MS = 600_000;
const OTHERS_WINDOW_MS = 3_600_000;

/** A row without what only a claim has. One literal, as that of a claim: a look is the most frequent statement, and spreading it would cost most of it. */
function rowOf(KIND: string, ID: string | null, GUARD: string | null, SEEN: number | null, STATE: string | null) {
  return {
    KIND,
    ID,
    GUARD,
    SEEN,
    STATE,
    RANK_NO: null,
    ITS_TYPE: null,
    ITS_PAYLOAD: null,
    ITS_PRIORITY: null,
    RETRIES: null,
    MOST_RETRIES: null,
    STRUCK: null,
    RUN_AT_MS: null,
    CREATED_AT_MS: null,
    DUE_FOR_MS: null,
  };
}

export const look: StatementModel = (view, { bind, now }) => {
  const [me, windowMs] = [varchar(path(bind, 'incarnation')), number(path(bind, 'windowMs'))];
  const place = placeOf(
    view,
    requestsIn(view, windowMs, now),
    varchar(path(bind, 'token')),
    varchar(path(bind, 'group')),
    now,
  );
  const work = workOf(view, bind, now);
  const load = loadOf(view, now);
  const facts: Readonly<Record<string, number | null>> = {
    due: work.due_count,
    overdue: work.overdue_count,
    nextMs: work.next_ms,
    isLogged: place.is_logged,
    isOpen: place.is_open,
    older: place.older,
    asked: load.asked_count,
    slotMs: load.slot_quartile,
    otherMs: otherMsOf(view, me, now),
    shown: [...distinct(bind, 'expected')].filter((id) => view.stepsById(id).length > 0).length,
    rows: view.stepCount(),
    claimed: view.claimedCount(),
  };
  const receipts = receiptsIn(bind, (stepId) => view.stepsById(stepId));
  return {
    rows: [
      ...claimsOf(view, me, distinct(bind, 'tokens'), now),
      ...receipts.map(({ id, guard, seen, state }) => rowOf('receipt', id, guard, seen, state)),
      ...Object.entries(facts).map(([name, value]) => rowOf('fact', name, null, value, null)),
    ],
  };
};

/** The texts of a list, each once. NULL matches nothing. */
function distinct(bind: unknown, key: string): ReadonlySet<string> {
  const texts = elements(path(bind, key)).map(varchar);
  return new Set(texts.filter((text) => text !== null));
}

function claimsOf(view: View, me: string | null, tokens: ReadonlySet<string>, now: number) {
  if (me === null || tokens.size === 0) return [];
  const claims: (readonly [StepRow, state: string])[] = [];
  for (const row of view.claimedBy(me)) {
    if (row.claim_token === null || !tokens.has(row.claim_token)) continue;
    const all = view.stepsById(row.step_id).filter(understood);
    if (all.length === 0) continue;
    const isFirst = all.every(({ row_id }) => row_id >= row.row_id) && all.some(({ row_id }) => row_id === row.row_id);
    const taken = all.filter(({ status }) => status !== 'pending').length;
    claims.push([row, isFirst && taken === 1 ? 'first' : 'void']);
  }
  claims.sort(([a], [b]) => byRank(a, b));
  return claims.map(([row, state], i) => {
    const columns = claimColumns(row);
    return {
      KIND: 'claim',
      ID: row.step_id,
      GUARD: row.claim_token,
      SEEN: row.version,
      STATE: state,
      RANK_NO: i + 1,
      ITS_TYPE: columns.ITS_TYPE,
      ITS_PAYLOAD: columns.ITS_PAYLOAD,
      ITS_PRIORITY: columns.ITS_PRIORITY,
      RETRIES: columns.RETRIES,
      MOST_RETRIES: columns.MOST_RETRIES,
      STRUCK: columns.STRUCK,
      RUN_AT_MS: columns.RUN_AT_MS,
      CREATED_AT_MS: columns.CREATED_AT_MS,
      DUE_FOR_MS: millisBetween(row.run_at, now),
    };
  });
}

const byRank = (a: StepRow, b: StepRow): number =>
  b.priority - a.priority ||
  a.run_at - b.run_at ||
  a.created_ts - b.created_ts ||
  (a.submit_index ?? 0) - (b.submit_index ?? 0) ||
  compareText(a.step_id, b.step_id);

function workOf(view: View, bind: unknown, now: number) {
  const mostCrashes = number(path(bind, 'mostCrashes'));
  const overdueMs = number(path(bind, 'overdueMs'));
  let [due_count, overdue_count, next] = [0, 0, Infinity];
  for (const type of distinct(bind, 'types')) {
    const waiting = view.waitingOf(type);
    if (mostCrashes !== null) {
      due_count += waiting.countSince(now, mostCrashes);
      if (overdueMs !== null) overdue_count += waiting.countSince(now - overdueMs, mostCrashes);
    }
    next = Math.min(next, waiting.nextAfter(now) ?? Infinity);
  }
  return { due_count, overdue_count, next_ms: next === Infinity ? null : millisBetween(now, next) };
}

function loadOf(view: View, now: number): { asked_count: number; slot_quartile: number | null } {
  const times: number[] = [];
  for (const { asked_ts, slot_ms } of view.requestsSince(now - LOAD_WINDOW_MS)) {
    if (slot_ms === null || slot_ms < 0 || slot_ms > LONGEST_SLOT_MS) continue;
    if (askedWithin(asked_ts, LOAD_WINDOW_MS, now)) times.push(slot_ms);
  }
  return { asked_count: view.newestRequests(LOAD_WINDOW_MS, now).length, slot_quartile: lowerQuartile(times) };
}

/** `PERCENTILE_CONT(0.25)`, rounded. */
function lowerQuartile(times: readonly number[]): number | null {
  const sorted = new Float64Array(times).sort();
  const at = (sorted.length - 1) / 4;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) return null;
  return Math.round(low + (high - low) * (at - Math.floor(at)));
}

/** How long ago another pod has logged a request, or has claimed or settled a step. */
function otherMsOf(view: View, me: string | null, now: number): number | null {
  let last = view.lastOfOthers(me);
  if (me !== null) {
    for (const { incarnation, asked_ts } of view.requestsBackwards()) {
      if (incarnation === me || asked_ts >= now + 60_000) continue;
      if (askedWithin(asked_ts, OTHERS_WINDOW_MS, now)) last = Math.max(last ?? -Infinity, asked_ts);
      break;
    }
  }
  return last === undefined ? null : millisBetween(last, now);
}
