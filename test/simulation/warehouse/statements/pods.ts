/** The models of the statements of the fleet: signs of life, its view, evictions, and orphans. */
import type { StatementModel, StepRow, View } from '../tables.js';
import { isLiving, lives, type Life } from './life.js';
import { firstId } from './step-rows.js';
import { distinctTexts } from './bind-lists.js';
import { claimColumns, compareText, number, path, understood, varchar } from '../values.js';

export const sign: StatementModel = (_, { now, bind }) => ({
  rows: [],
  insertPodLog: [
    {
      pod_id: varchar(path(bind, 'pod')) ?? '',
      incarnation: varchar(path(bind, 'incarnation')) ?? '',
      event: varchar(path(bind, 'event')) ?? '',
      seq: number(path(bind, 'seq')),
      at_ts: now,
      heartbeat_ms: number(path(bind, 'heartbeatMs')),
      dead_after_ms: number(path(bind, 'deadAfterMs')),
      eligible: number(path(bind, 'eligible')),
      meta_text: varchar(path(bind, 'meta')),
    },
  ],
});

const living = (view: View): readonly Life[] => [...lives(view).values()].filter(isLiving);

function podColumns(life: Life, now: number): Record<string, unknown> {
  return {
    POD_NAME: life.podId,
    ITS_INCARNATION: life.incarnation,
    AGE_MS: life.birthTs === null ? null : now - life.birthTs,
    SILENT_MS: life.heardTs === null ? null : now - life.heardTs,
    NEWEST_BEAT: life.beat,
    BEATS_EVERY_MS: life.heartbeatMs,
    DEAD_MS: life.deadAfterMs,
    MAY_LEAD: life.eligible,
    SLEEPS: life.newestEvent === 'asleep' ? 1 : 0,
    SAYS: life.meta,
    SAID_FIRST: life.firstMeta,
  };
}

export const fleet: StatementModel = (view, { now }) => ({
  rows: [...living(view)]
    .sort((a, b) => (a.birthTs ?? 0) - (b.birthTs ?? 0) || compareText(a.incarnation, b.incarnation))
    .map((life) => podColumns(life, now)),
});

const NO_POD = {
  POD_NAME: null,
  ITS_INCARNATION: null,
  AGE_MS: null,
  SILENT_MS: null,
  NEWEST_BEAT: null,
  BEATS_EVERY_MS: null,
  DEAD_MS: null,
  MAY_LEAD: null,
  SLEEPS: null,
  SAYS: null,
  SAID_FIRST: null,
};

export const view: StatementModel = (tables, { now, bind }) => {
  const me = varchar(path(bind, 'incarnation'));
  const oldest = Math.max(...[...tables.schemaInfo()].map((row) => row.oldest_allowed));
  const more = (kind: string, id: string | null, guard: string | null, seen: number | null) => ({
    KIND: kind,
    ...NO_POD,
    ID: id,
    GUARD: guard,
    SEEN: seen,
  });
  return {
    rows: [
      ...living(tables).map((life) => ({
        KIND: 'pod',
        ...podColumns(life, now),
        ...{ ID: null, GUARD: null, SEEN: null },
      })),
      ...(me === null ? [] : validClaims(tables, me)).map((row) =>
        more(isFirst(tables, row) ? 'held' : 'void', row.step_id, row.claim_token, row.version),
      ),
      more('schema', null, null, Number.isFinite(oldest) ? oldest : null),
      more('clock', null, null, now),
    ],
  };
};

const validClaims = (tables: View, incarnation: string): readonly StepRow[] =>
  [...tables.claimedBy(incarnation)].filter(understood);

const isFirst = (tables: View, row: StepRow): boolean => firstId(tables.stepsById(row.step_id)) === row.row_id;

export const evict: StatementModel = (tables, { now, bind }) => {
  const suspects = distinctTexts(path(bind, 'incarnations'));
  const silent = ({ newestEvent, heardTs, deadAfterMs }: Life): boolean =>
    newestEvent !== null &&
    newestEvent !== 'asleep' &&
    heardTs !== null &&
    deadAfterMs !== null &&
    now - heardTs > deadAfterMs;
  const gone = living(tables).filter((life) => suspects.has(life.incarnation) && silent(life));
  return {
    rows: [],
    insertPodLog: gone.map(({ podId, incarnation }) => ({
      pod_id: podId,
      incarnation,
      event: 'evicted',
      seq: null,
      at_ts: now,
      heartbeat_ms: null,
      dead_after_ms: null,
      eligible: null,
      meta_text: null,
    })),
  };
};

export const evicted: StatementModel = (tables, { bind }) => {
  const suspects = distinctTexts(path(bind, 'incarnations'));
  const rows = new Map<string, Record<string, unknown>>();
  for (const { pod_id, incarnation, event } of tables.podLog()) {
    if (event !== 'evicted' || !suspects.has(incarnation)) continue;
    rows.set(JSON.stringify([pod_id, incarnation]), { POD_NAME: pod_id, ITS_INCARNATION: incarnation });
  }
  return { rows: [...rows.values()] };
};

export const orphans =
  (limit: number): StatementModel =>
  (tables, { now, bind }) => {
    const seenBy = now - (number(path(bind, 'unseenMs')) ?? NaN);
    const states = lives(tables);
    const found: { readonly row: StepRow; readonly state: string }[] = [];
    for (const row of tables.claimed()) {
      const state = stateOf(row.claimed_incarnation === null ? undefined : states.get(row.claimed_incarnation));
      if (state === 'alive' || !understood(row)) continue;
      const isGone = state === 'evicted' || state === 'left';
      if (isGone || row.claimed_ts === null || row.claimed_ts < seenBy) found.push({ row, state });
    }
    found.sort(
      (a, b) =>
        (a.row.claimed_ts ?? Infinity) - (b.row.claimed_ts ?? Infinity) || compareText(a.row.row_id, b.row.row_id),
    );
    return { rows: found.slice(0, limit).map(({ row, state }) => orphanColumns(row, state)) };
  };

function stateOf(life: Life | undefined): 'evicted' | 'left' | 'asleep' | 'unknown' | 'alive' {
  if (life === undefined) return 'unknown';
  if (life.wasEvicted) return 'evicted';
  if (life.hasLeft) return 'left';
  if (life.birthTs === null) return 'unknown';
  return life.newestEvent === 'asleep' ? 'asleep' : 'alive';
}

function orphanColumns(row: StepRow, state: string): Record<string, unknown> {
  return {
    ID: row.step_id,
    GUARD: row.claim_token,
    SEEN: row.version,
    HOLDER_POD: row.claimed_by,
    HOLDER: row.claimed_incarnation,
    ...claimColumns(row),
    STATE: state,
  };
}
