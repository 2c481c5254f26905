/** What must be so when the last fault is over: everything drains, one leads, nothing is left. */
import type { StepState } from '../../history/history.js';
import type { RecordIndex } from '../index/record-index.js';
import type { RowChange } from '../index/trails.js';
import type { Rule } from '../rule.js';

export const nothingStarves: Rule = {
  name: 'nothing starves in the calm',
  says: 'In the calm a step that is due, and whose type a pod handles, is claimed within a bound, and a claim ends within a bound.',
  check(index, report, { waitBoundMs, claimBoundMs }) {
    const { finished, calmAt } = index;
    if (finished === undefined || calmAt === Infinity) return;
    const handled = typesAlive(index);
    for (const { step, changes } of index.rows()) {
      changes.forEach((change, i) => {
        const until = changes[i + 1]?.at ?? finished.entry.drainedAt;
        const { after } = change;
        if (after === undefined || until <= calmAt) return;
        const since = Math.max(calmAt, change.at, after.status === 'pending' ? after.dueAt : 0);
        const forMs = Math.round(until - since);
        if (after.status === 'pending' && forMs > waitBoundMs && handled.has(after.type) && isFirst(change))
          report(`due for ${forMs} ms in the calm, and not claimed`, step, change, changes[i + 1] ?? finished);
        else if (after.status === 'claimed' && forMs > claimBoundMs)
          report(`claimed for ${forMs} ms in the calm`, step, change, changes[i + 1] ?? finished);
      });
    }
  },
};

export const everythingDrains: Rule = {
  name: 'everything drains',
  says: 'At the end no step is claimed, and none is pending that was due and whose type a pod handled.',
  check(index, report) {
    const { finished } = index;
    if (finished === undefined) return;
    const handled = typesAlive(index);
    for (const { step, changes, state } of index.rows()) {
      const last = changes.at(-1);
      if (state === undefined || last === undefined) continue;
      if (state.status === 'claimed') report('is still claimed at the end', step, last, finished);
      const isDue = state.status === 'pending' && state.dueAt <= finished.entry.drainedAt && handled.has(state.type);
      if (isDue && isFirst(last)) report('is still pending at the end', step, last, finished);
    }
  },
};

export const oneLeads: Rule = {
  name: 'one pod leads',
  says: 'In the calm exactly one pod leads; none, if all sleep.',
  check(index, report) {
    const { finished } = index;
    const alive = (finished?.entry.alive ?? []).filter(({ process }) => !isOut(index, process));
    if (alive.length === 0) return;
    const leaders = alive.filter(({ isLeader }) => isLeader).map(({ process }) => process);
    const asleep = alive.every(({ process }) => isAsleep(index, process));
    if (leaders.length !== 1 && !(asleep && leaders.length === 0))
      report(`${leaders.length} pods lead of ${alive.length}: ${leaders.join(', ')}`, {}, finished);
  },
};

export const allAreWell: Rule = {
  name: 'every pod is well',
  says: 'In the calm every pod runs, reports no problem, holds nothing, and is a member of the fleet; one that was superseded has left it.',
  check(index, report) {
    const { finished } = index;
    for (const { process, phase, problems, held } of finished?.entry.alive ?? []) {
      if (held > 0) report(`it holds ${held} claims`, { process }, finished);
      if (isOut(index, process)) continue;
      if (phase !== 'running') report(`its phase is ${phase}`, { process }, finished);
      if (problems.length > 0) report(`it reports: ${problems.join('; ')}`, { process }, finished);
      const life = index.processes.get(process)?.lives.at(-1);
      const gone = life?.evicted ?? (isBefore(life?.left?.at, finished?.entry.drainedAt) ? life?.left : undefined);
      if (life?.registered === undefined || gone !== undefined)
        report(`its incarnation ${life?.incarnation ?? ''} is no member`, { process }, gone, finished);
    }
  },
};

export const noTimerIsLeft: Rule = {
  name: 'no timer is left',
  says: 'After a queue has stopped, none of its timers is left, and none of its handlers runs.',
  check(index, report) {
    const { finished } = index;
    for (const [process, timers] of Object.entries(finished?.entry.timersLeft ?? {}))
      if (timers > 0) report(`${timers} timers are left`, { process }, finished);
  },
};

function isBefore(at: number | undefined, drainedAt: number | undefined): boolean {
  return at !== undefined && drainedAt !== undefined && at < drainedAt;
}

/** The types that a pod handles which is alive at the end. */
function typesAlive({ finished, processes }: RecordIndex): Set<string> {
  const alive = finished?.entry.alive ?? [];
  return new Set(alive.flatMap(({ process }) => processes.get(process)?.settings?.types ?? []));
}

function isAsleep({ processes }: RecordIndex, name: string): boolean {
  const last = processes
    .get(name)
    ?.events.findLast(({ entry }) => entry.name === 'pod:asleep' || entry.name === 'pod:awake');
  return last?.entry.name === 'pod:asleep';
}

/** Whether the process drained permanently, and has left. */
function isOut({ processes }: RecordIndex, name: string): boolean {
  const process = processes.get(name);
  const fenced = process?.events.some(({ entry }) => entry.name === 'pod:fenced' && entry.fields.recoverable === false);
  return (
    fenced === true && process?.lives.every(({ left, evicted }) => left !== undefined || evicted !== undefined) === true
  );
}

/** Whether no other row of the step is claimed, has ended, or sorts before this one: such a row waits to be removed. */
function isFirst({ row }: RowChange): boolean {
  return row.step.rows.every((other) => other === row || (isPending(other.state) && other.rowId > row.rowId));
}

function isPending(state: StepState | undefined): boolean {
  return state === undefined || state.status === 'pending';
}
