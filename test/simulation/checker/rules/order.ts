/** When a step may be claimed, and before which others. */
import type { RowChange, RowTrail } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { DueHeap } from './due-heap.js';
import { isRetry } from './settlements.js';

export const onlyDueIsClaimed: Rule = {
  name: 'only due steps are claimed',
  says: 'No step is claimed before it is due.',
  check(index, report, { clockSlackMs }) {
    for (const { row, made, state } of index.claims) {
      const dueAt = made.before?.dueAt ?? state.dueAt;
      if (made.at < dueAt - clockSlackMs)
        report(`claimed ${Math.round(dueAt - made.at)} ms before it was due`, row.step, made);
    }
  },
};

export const retriedIsDue: Rule = {
  name: 'a retried step is due',
  says: 'A step that is retried by hand is due at once.',
  check(index, report, { clockSlackMs }) {
    for (const change of index.changes) {
      const { after, at, row } = change;
      if (after === undefined || !isRetry(change)) continue;
      if (after.dueAt > at + clockSlackMs)
        report(`due ${Math.round(after.dueAt - at)} ms after it was retried`, row.step, change);
    }
  },
};

export const claimsInOrder: Rule = {
  name: 'claims are in order',
  says: 'Where the store claims by one consistent read, a statement claims of each type the steps of the highest priority first, and among equals those that have been due the longest.',
  check(index, report, { exactOrder, clockSlackMs }) {
    if (!exactOrder) return;
    const pending = new Map<string, Map<number, DueHeap>>();
    const current = new Map<RowTrail, RowChange>();
    let statement: RowChange[] = [];
    for (const change of index.changes) {
      if (statement[0] !== undefined && !sameStatement(statement[0], change)) {
        judge(statement);
        statement = [];
      }
      const { after, row } = change;
      current.set(row, change);
      if (after?.status === 'pending' && after.crashes === 0) heapOf(after.type, after.priority).add(change);
      if (change.claims !== undefined && after?.crashes === 0) statement.push(change);
    }
    judge(statement);

    function judge(claimed: readonly RowChange[]): void {
      for (const last of latest(claimed)) {
        const { after } = last;
        if (after === undefined) continue;
        for (const [priority, heap] of pending.get(after.type) ?? []) {
          if (priority < after.priority) continue;
          const left = heap.first((change) => current.get(change.row) === change);
          const before = priority > after.priority ? last.at : dueBefore(last);
          if (left?.after !== undefined && left.index < last.index && left.after.dueAt < before - clockSlackMs)
            report(`claimed before ${left.row.step.stepId}, which ranks first`, last.row.step, left, last);
        }
      }
    }

    function heapOf(type: string, priority: number): DueHeap {
      let ofType = pending.get(type);
      if (ofType === undefined) pending.set(type, (ofType = new Map<number, DueHeap>()));
      let heap = ofType.get(priority);
      if (heap === undefined) ofType.set(priority, (heap = new DueHeap()));
      return heap;
    }
  },
};

function sameStatement(one: RowChange, other: RowChange): boolean {
  return one.at === other.at && one.after?.claimToken === other.after?.claimToken;
}

/** Of each type and priority the claim of the statement that was due last. */
function latest(claimed: readonly RowChange[]): Iterable<RowChange> {
  const latest = new Map<string, RowChange>();
  for (const change of claimed) {
    const key = `${change.after?.priority ?? 0} ${change.after?.type ?? ''}`;
    const other = latest.get(key);
    if (other === undefined || dueBefore(change) > dueBefore(other)) latest.set(key, change);
  }
  return latest.values();
}

function dueBefore({ before, after }: RowChange): number {
  return before?.dueAt ?? after?.dueAt ?? 0;
}
