/** That a step is stored, ends once, and never vanishes. */
import { isTerminal, type RowChange, type StepTrail } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { same, text } from './rows.js';
import { isRetry } from './settlements.js';

export const acknowledgedIsStored: Rule = {
  name: 'what is acknowledged is stored',
  says: 'When `submit` resolves, the step is in the store.',
  check(index, report) {
    for (const { asked, told, process } of index.calls.values()) {
      for (const stepId of told?.entry.stepIds ?? []) {
        const first = index.steps.get(stepId)?.changes[0];
        if (told !== undefined && (first === undefined || first.index > told.index))
          report('submit resolved, and the step was not stored', { stepId, process: process.name }, asked, told);
      }
    }
  },
};

export const endsOnce: Rule = {
  name: 'a step ends once',
  says: 'Between two retries by hand a step ends once, whatever rows it has: it is completed, failed or cancelled. A cancel may still end a second row; and where it has ended a row that was pending beside a claimed one, that claim may still end the step, until a caller has learnt that it is cancelled.',
  check(index, report) {
    for (const step of index.steps.values()) {
      let end: RowChange | undefined;
      for (const change of step.changes) {
        if (isRetry(change)) end = undefined;
        if (!isTerminal(change.after?.status) || isTerminal(change.before?.status)) continue;
        const isOfClaim = end !== undefined && endsOlderClaim(change, end);
        // A cancel takes every row. If the step had ended, its caller learns that.
        const isSecond = change.row !== end?.row && change.after?.status === 'cancelled';
        if (end !== undefined && !isSecond && !isOfClaim)
          report(`${change.after?.status} after it was ${end.after?.status}`, step, end, change);
        end = isOfClaim ? change : (end ?? change);
      }
    }
  },
};

export const nothingVanishes: Rule = {
  name: 'nothing vanishes',
  says: 'A row is removed only when it is archived at its version, when its retention after its end is over, or when it is pending beside another row of its step that has been claimed or has ended.',
  check(index, report, { keepMs, clockSlackMs }) {
    for (const change of index.changes) {
      const { before, after, row, at } = change;
      if (before === undefined || after !== undefined) continue;
      const endedAt = row.changes.findLast((one) => one !== change && one.after?.version === before.version)?.at ?? 0;
      const expired = isTerminal(before.status) && at - endedAt >= keepMs - clockSlackMs;
      if (expired || isArchived(change) || isSecond(change)) continue;
      report(`${text(before)} was removed`, row.step, change);
    }
    for (const step of index.steps.values()) {
      for (const one of step.archived) {
        const { before, after } = one.entry;
        const copied = step.changes.findLast(
          (change) =>
            change.index < one.index && change.after?.version === after?.version && change.after !== undefined,
        );
        if (after !== undefined && before === undefined && copied?.after?.status !== after.status)
          report(`archived ${text(after)}, which was never in the table`, step, copied, one);
        if (after !== undefined && before !== undefined && !same(before, after))
          report('an archived step was changed', step, one);
        if (after === undefined && one.at - (endAt(step, before?.version) ?? one.at) < keepMs - clockSlackMs)
          report('removed from the archive before its retention was over', step, one);
      }
    }
  },
};

export const recordIsWhole: Rule = {
  name: 'the record is whole',
  says: 'At the end the tables hold what the record of their changes says.',
  check(index, report) {
    const { finished } = index;
    if (finished === undefined) return;
    const left = new Map(finished.entry.steps.map((state) => [`${state.stepId} ${state.rowId}`, state]));
    for (const { step, rowId, changes, state } of index.rows()) {
      const found = left.get(`${step.stepId} ${rowId}`);
      left.delete(`${step.stepId} ${rowId}`);
      if (!same(state, found))
        report(`${text(found)}, and the record says ${text(state)}`, step, changes.at(-1), finished);
    }
    for (const state of left.values()) report(`${text(state)}, and the record has no such row`, state, finished);
  },
};

/** Whether a claim ends that was held when a cancel ended another row, which was pending, and nobody has learnt of that cancel yet. */
function endsOlderClaim({ ends, row, index, after }: RowChange, end: RowChange): boolean {
  if (row === end.row || after?.status === 'cancelled') return false;
  if (end.before?.status !== 'pending' || end.after?.status !== 'cancelled') return false;
  const isTold = row.step.calls.some(
    ({ told }) => told?.entry.answer === 'cancelled' && told.index > end.index && told.index < index,
  );
  return !isTold && ends !== undefined && ends.made.index < end.index;
}

function isArchived({ before, row, index }: RowChange): boolean {
  return row.step.archived.some(
    ({ entry, index: place }) =>
      place < index && entry.after?.version === before?.version && entry.after?.status === before?.status,
  );
}

/** Whether another row of the step is still there, and has been claimed or has ended: the DELETE may have read that it was. */
function isSecond({ before, row, index }: RowChange): boolean {
  if (before?.status !== 'pending') return false;
  return row.step.rows.some((other) => {
    if (other === row) return false;
    const past = other.changes.filter((change) => change.index < index);
    return (
      past.at(-1)?.after !== undefined && past.some(({ after }) => after !== undefined && after.status !== 'pending')
    );
  });
}

function endAt(step: StepTrail, version: number | undefined): number | undefined {
  return step.changes.find(({ after }) => after?.version === version && isTerminal(after?.status))?.at;
}
