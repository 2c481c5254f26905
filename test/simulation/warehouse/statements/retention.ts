/** The models of the leader's housekeeping among steps: duplicate rows, and the archive. */
import type { ArchivedRow, RowDelete, StatementModel, StepRow, View } from '../tables.js';
import { limitOf } from './since.js';
import { compareText, isTerminal } from '../values.js';
import { byProgress } from './step-rows.js';

/** Pending rows beside a row of their step that is claimed or has ended. */
export function duplicates(view: View, limit: number): readonly StepRow[] {
  return [...view.severalRows()].flatMap((id) => {
    const rows = view.stepsById(id);
    if (!rows.some(({ status }) => status === 'claimed' || isTerminal(status))) return [];
    return rows.filter((row) => row.status === 'pending' && (row.version === 0 || row.last_update_ts < limit));
  });
}

export const dedupe: StatementModel = (view, { now, bind }) => ({
  rows: [],
  deleteSteps: duplicates(view, limitOf(bind, 'hotMs', now)).map(({ step_id, row_id, version }) => ({
    step_id,
    guard: (row) => row.row_id === row_id && row.version === version && row.status === 'pending',
  })),
});

interface Ended {
  readonly id: string;
  readonly at: number;
}

/** Steps of which every row has ended, the last one before `limit`. */
export function ended(view: View, limit: number): readonly Ended[] {
  const found = new Map<string, Ended>();
  for (const { step_id: id, status } of view.allSteps()) {
    if (!isTerminal(status) || found.has(id)) continue;
    const rows = view.stepsById(id);
    if (!rows.every((row) => isTerminal(row.status))) continue;
    const at = rows.reduce((latest, row) => Math.max(latest, row.last_update_ts), -Infinity);
    if (at < limit) found.set(id, { id, at });
  }
  return [...found.values()];
}

/** Copies the rows that the archive lacks, one for each version of a step. */
export const archive =
  (chunk: number): StatementModel =>
  (view, { now, bind }) => {
    const steps = [...ended(view, limitOf(bind, 'hotMs', now))]
      .sort((a, b) => a.at - b.at || compareText(a.id, b.id))
      .slice(0, chunk);
    return { rows: [], insertArchived: steps.flatMap(({ id }) => lacking(view, id, now)) };
  };

function lacking(view: View, id: string, now: number): readonly ArchivedRow[] {
  const has = new Set(view.archivedById(id).map(({ version }) => version));
  const first = new Map<number, StepRow>();
  for (const row of view.stepsById(id)) {
    const other = first.get(row.version);
    if (!has.has(row.version) && (other === undefined || byProgress(row, other) < 0)) first.set(row.version, row);
  }
  return [...first.values()].map((row) => ({ ...row, archived_ts: now }));
}

/** Removes the rows that are archived at their version. */
export const unload: StatementModel = (view, { now, bind }) => {
  const limit = limitOf(bind, 'hotMs', now);
  const seen = new Map<string, Set<number>>();
  for (const row of view.allSteps()) {
    if (!isTerminal(row.status)) continue;
    if (!view.archivedById(row.step_id).some(({ version }) => version === row.version)) continue;
    const versions = seen.get(row.step_id);
    if (versions === undefined) seen.set(row.step_id, new Set([row.version]));
    else versions.add(row.version);
  }
  const deleteSteps = [...seen].map(([step_id, versions]): RowDelete<StepRow> => ({
    step_id,
    guard: (row) => versions.has(row.version) && isTerminal(row.status) && row.last_update_ts < limit,
  }));
  return { rows: [], deleteSteps };
};

export function expired(view: View, limit: number): readonly ArchivedRow[] {
  return [...view.allArchived()].filter((row) => row.last_update_ts < limit);
}

export const pruneArchive =
  (chunk: number): StatementModel =>
  (view, { now, bind }) => {
    const rows = [...expired(view, limitOf(bind, 'keepMs', now))]
      .sort((a, b) => a.last_update_ts - b.last_update_ts || compareText(a.step_id, b.step_id))
      .slice(0, chunk);
    const newest = new Map(rows.map((row) => [row.step_id, row.last_update_ts])); // in order, so the newest is last
    const deleteArchived = [...newest].map(([step_id, endedTs]) => ({
      step_id,
      guard: (row: ArchivedRow) => row.last_update_ts <= endedTs,
    }));
    return { rows: [], deleteArchived };
  };
