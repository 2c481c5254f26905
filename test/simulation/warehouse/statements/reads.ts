/** The models of the statements that read steps. */
import type { ArchivedRow, StatementModel, StepRow, View } from '../tables.js';
import { byProgress, furthest, newest, recordColumns } from './step-rows.js';
import { distinctTexts } from './bind-lists.js';
import { compareText, number, path, typeOf, varchar } from '../values.js';

/** A step as readers see it: from the hot table, else from the archive. */
interface Shown {
  readonly row: StepRow;
  readonly isCold: 0 | 1;
}

function shown(view: View, id: string): Shown | undefined {
  const hot = furthest(view.stepsById(id));
  if (hot !== undefined) return { row: hot, isCold: 0 };
  const cold: ArchivedRow | undefined = newest(view.archivedById(id));
  return cold && { row: cold, isCold: 1 };
}

const idsOf = (ids: unknown): readonly string[] => [...distinctTexts(ids)].filter((id) => id !== null);

export const find: StatementModel = (view, { bind }) => ({
  rows: idsOf(bind)
    .flatMap((id) => shown(view, id) ?? [])
    .map(({ row, isCold }) => ({ ...recordColumns(row), IS_COLD: isCold })),
});

/** What cancel and retry need to know: every row of the hot table, or one of the archive. */
export const states: StatementModel = (view, { bind }) => ({
  rows: idsOf(bind).flatMap((id) => {
    const hot = [...view.stepsById(id)].sort(byProgress);
    if (hot.length > 0) return hot.map((row, at) => stateColumns(row, at + 1, 0));
    const cold = newest(view.archivedById(id));
    return cold === undefined ? [] : [stateColumns(cold, 1, 1)];
  }),
});

const stateColumns = (row: StepRow, place: number, isCold: 0 | 1): Record<string, unknown> => ({
  ID: row.step_id,
  ITS_STATUS: row.status,
  ITS_VERSION: row.version,
  SETTLER: row.settled_by,
  ITS_PLACE: place,
  IS_COLD: isCold,
});

/** The hot table alone. */
export const cancelled: StatementModel = (view, { now, bind }) => ({
  rows: [...distinctTexts(bind)].flatMap((id) => {
    const row = id === null ? undefined : furthest(view.stepsById(id));
    return row?.status === 'cancelled' ? [{ ID: row.step_id, AGO_MS: now - row.last_update_ts }] : [];
  }),
});

/** Every step once. */
function every(view: View): readonly StepRow[] {
  const ids = new Set<string>();
  for (const { step_id } of view.allSteps()) ids.add(step_id);
  for (const { step_id } of view.allArchived()) ids.add(step_id);
  return [...ids].flatMap((id) => shown(view, id)?.row ?? []);
}

export const list =
  (order: 'oldest' | 'newest', limit: number): StatementModel =>
  (view, { bind }) => {
    const sense = order === 'oldest' ? 1 : -1;
    const matches = filterOf(bind, sense);
    const rows = every(view)
      .filter(matches)
      .sort((a, b) => sense * (a.created_ts - b.created_ts || compareText(a.step_id, b.step_id)))
      .slice(0, limit);
    return { rows: rows.map(recordColumns) };
  };

/** @param sense 1 from the oldest on, -1 from the newest */
function filterOf(bind: unknown, sense: 1 | -1): (row: StepRow) => boolean {
  const statuses = setOf(path(bind, 'statuses'));
  const types = setOf(path(bind, 'types'));
  const pod = varchar(path(bind, 'claimedBy'));
  const from = number(path(bind, 'createdFrom')) ?? -Infinity;
  const before = number(path(bind, 'createdBefore')) ?? Infinity;
  const after = { ms: number(path(bind, 'afterMs')) ?? NaN, id: varchar(path(bind, 'afterId')) };
  const isBeyond = (row: StepRow): boolean =>
    after.id === null ||
    sense * (row.created_ts - after.ms) > 0 ||
    (row.created_ts === after.ms && sense * compareText(row.step_id, after.id) > 0);
  return (row) =>
    (statuses === undefined || statuses.has(row.status)) &&
    (types === undefined || has(types, typeOf(row))) &&
    (pod === null || row.claimed_by === pod) &&
    row.created_ts >= from &&
    row.created_ts < before &&
    isBeyond(row);
}

/** A filter that is missing lets everything pass. */
const setOf = (list: unknown): ReadonlySet<string | null> | undefined =>
  list === null ? undefined : distinctTexts(list);

/** NULL equals nothing. */
const has = (set: ReadonlySet<string | null>, value: string | null): boolean => value !== null && set.has(value);

export const stats: StatementModel = (view, { now }) => {
  const groups = new Map<string, Group>();
  for (const row of every(view)) count(groups, row, now);
  return { rows: [...groups.values()] };
};

interface Group extends Readonly<Record<string, unknown>> {
  STEPS: number;
  DUE_COUNT: number;
  OLDEST_DUE_MS: number | null;
}

function count(groups: Map<string, Group>, row: StepRow, now: number): void {
  const [type, priority] = [typeOf(row) ?? '', row.status === 'pending' ? row.priority : 0];
  const key = JSON.stringify([type, row.status, priority]);
  let group = groups.get(key);
  if (group === undefined) {
    const of = { ITS_TYPE: type, ITS_STATUS: row.status, ITS_PRIORITY: priority };
    groups.set(key, (group = { ...of, STEPS: 0, DUE_COUNT: 0, OLDEST_DUE_MS: null }));
  }
  group.STEPS++;
  if (row.status !== 'pending' || row.run_at > now) return;
  group.DUE_COUNT++;
  group.OLDEST_DUE_MS = Math.max(group.OLDEST_DUE_MS ?? 0, now - row.run_at);
}
