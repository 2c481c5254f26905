/** Each change of a row: that it follows the last one, and obeys the state machine of a step. */
import type { StepState } from '../../history/history.js';
import { isTerminal, type RowChange } from '../index/trails.js';
import type { Rule } from '../rule.js';

/** From each status: those that a change may lead to, with the next version. */
const LEADS_TO: Readonly<Record<StepState['status'], readonly StepState['status'][]>> = {
  pending: ['claimed', 'cancelled'],
  claimed: ['completed', 'failed', 'cancelled', 'pending'],
  completed: [],
  failed: ['pending'],
  cancelled: ['pending'],
};

export const noLostUpdate: Rule = {
  name: 'no lost update',
  says: 'Each change of a row begins with what the last one left.',
  check(index, report) {
    for (const { step, changes } of index.rows()) {
      let last: RowChange | undefined;
      for (const change of changes) {
        const left = last?.after;
        if (!same(left, change.before))
          report(`the change begins with ${text(change.before)}; the row was ${text(left)}`, step, last, change);
        last = change;
      }
    }
  },
};

export const stateMachine: Rule = {
  name: 'state machine',
  says: 'A row goes pending → claimed → completed, failed, cancelled or pending; a pending row may be cancelled; only a failed or cancelled one may be pending again.',
  check(index, report) {
    for (const change of index.changes) {
      const { before, after, row } = change;
      if (after === undefined) continue; // removed: see `nothing vanishes`
      const wrong = before === undefined ? birthOf(change) : stepOf(before, after);
      if (wrong !== undefined) report(wrong, row.step, change);
    }
  },
};

export const versionRises: Rule = {
  name: 'version rises',
  says: 'Every change of a status raises the version of the row by one, and nothing else changes it.',
  check(index, report) {
    for (const change of index.changes) {
      const { before, after, row } = change;
      if (before === undefined || after === undefined) continue;
      const due = before.version + (before.status === after.status ? 0 : 1);
      if (after.version !== due) report(`version ${before.version} became ${after.version}`, row.step, change);
    }
  },
};

export const identityStays: Rule = {
  name: 'a step stays the same',
  says: 'The type, the priority and the limit of retries of a step never change.',
  check(index, report) {
    for (const { before, after, row, ...change } of index.changes) {
      if (before === undefined || after === undefined) continue;
      const kept =
        before.type === after.type && before.priority === after.priority && before.maxRetries === after.maxRetries;
      if (!kept) report('its type, priority or limit of retries changed', row.step, change);
    }
  },
};

export const claimFields: Rule = {
  name: 'a claim names its holder',
  says: 'A claimed row has a token and an incarnation, no other row has a token, and a token belongs to one incarnation.',
  check(index, report) {
    const owners = new Map<string, string | null>();
    for (const change of index.changes) {
      const { after, row } = change;
      if (after === undefined) continue;
      const { status, claimToken, claimedIncarnation } = after;
      if (status !== 'claimed') {
        if (claimToken !== null) report(`a ${status} row has a claim token`, row.step, change);
        continue;
      }
      if (claimToken === null || claimedIncarnation === null) {
        report('a claimed row lacks its token or its incarnation', row.step, change);
        continue;
      }
      const owner = owners.get(claimToken);
      if (owner === undefined) owners.set(claimToken, claimedIncarnation);
      else if (owner !== claimedIncarnation)
        report(`token ${claimToken} claimed for ${owner} before`, row.step, change);
    }
  },
};

/** What is wrong with a new row. */
function birthOf({ after, row }: RowChange): string | undefined {
  if (after === undefined) return undefined;
  const { status, version, retryCount, crashes } = after;
  if (status !== 'pending' || retryCount !== 0 || crashes !== 0) return `a new row is ${text(after)}`;
  if (version === 0) return undefined;
  const restored = row.step.archived.some(
    ({ entry }) => entry.after?.version === version - 1 && LEADS_TO[entry.after.status].includes('pending'),
  );
  return restored ? undefined : `a new row has version ${version}, and none was archived below it`;
}

function stepOf(before: StepState, after: StepState): string | undefined {
  if (before.status !== after.status)
    return LEADS_TO[before.status].includes(after.status) ? undefined : `${text(before)} became ${text(after)}`;
  if (after.status === 'pending') {
    const moved = same({ ...before, dueAt: after.dueAt, settledBy: after.settledBy }, after); // the wall clock was corrected
    return moved ? undefined : `${text(before)} became ${text(after)}`;
  }
  if (same(before, after)) return undefined;
  return isTerminal(after.status) ? `an ended step changed: ${text(before)}` : `a claim changed: ${text(before)}`;
}

const FIELDS = [
  ...(['status', 'version', 'retryCount', 'crashes', 'claimToken', 'claimedIncarnation', 'settledBy'] as const),
  ...(['errorCode', 'dueAt', 'type', 'priority', 'maxRetries', 'stepId', 'rowId'] as const),
];

export function same(one: StepState | undefined, other: StepState | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  for (const field of FIELDS) if (one[field] !== other[field]) return false;
  return true;
}

export function text(state: StepState | undefined): string {
  if (state === undefined) return 'absent';
  const { status, version, retryCount, crashes } = state;
  return `${status} v${version} (retries ${retryCount}, crashes ${crashes})`;
}
